// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/update_rule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "runtime/config/optimizer_states.h"

namespace runnel {
namespace {

constexpr int kSteps = 25;
constexpr double kLr = 0.05;

// The rules as their papers and PyTorch's documentation have them, in double precision, for one parameter.
struct Oracle {
  double x = 0;
  double first = 0;
  double second = 0;
};

void adadelta(Oracle& o, double g, const OptimizerConfig& c, int) {
  g += c.weight_decay * o.x;
  o.first = c.rho * o.first + (1 - c.rho) * g * g;
  const double delta = std::sqrt(o.second + c.eps) / std::sqrt(o.first + c.eps) * g;
  o.second = c.rho * o.second + (1 - c.rho) * delta * delta;
  o.x -= kLr * delta;
}

void sgd(Oracle& o, double g, const OptimizerConfig& c, int) {
  g += c.weight_decay * o.x;
  o.first = c.momentum * o.first + g;
  o.x -= kLr * o.first;
}

void adam(Oracle& o, double g, const OptimizerConfig& c, int t) {
  if (c.name == RuleKind::adamw) {
    o.x -= kLr * c.weight_decay * o.x;
  } else {
    g += c.weight_decay * o.x;
  }
  o.first = c.betas[0] * o.first + (1 - c.betas[0]) * g;
  o.second = c.betas[1] * o.second + (1 - c.betas[1]) * g * g;
  const double mean = o.first / (1 - std::pow(c.betas[0], t));
  const double square = o.second / (1 - std::pow(c.betas[1], t));
  o.x -= kLr * mean / (std::sqrt(square) + c.eps);
}

struct Rule {
  OptimizerConfig config;
  std::function<void(Oracle&, double, const OptimizerConfig&, int)> oracle;
};

std::vector<Rule> rules() {
  std::vector<Rule> all;
  for (const double decay : {0.0, 0.03}) {
    all.push_back({{.name = RuleKind::adadelta, .weight_decay = decay, .schedule = {}}, adadelta});
    all.push_back({{.name = RuleKind::sgd, .weight_decay = decay, .schedule = {}}, sgd});
    all.push_back({{.name = RuleKind::sgd, .momentum = 0.9, .weight_decay = decay, .schedule = {}}, sgd});
    all.push_back({{.name = RuleKind::adam, .eps = 1e-8, .weight_decay = decay, .schedule = {}}, adam});
    all.push_back({{.name = RuleKind::adamw, .eps = 1e-8, .weight_decay = decay, .schedule = {}}, adam});
  }
  return all;
}

std::string describe(const OptimizerConfig& c) {
  return std::string(word_of(c.name)) + " momentum " + std::to_string(c.momentum) + " weight_decay " +
         std::to_string(c.weight_decay);
}

class State {
 public:
  State(const UpdateRule& rule, std::size_t count) : arrays_(rule.state_count(), std::vector<float>(count)) {}

  std::array<float*, UpdateRule::kMaxStates> at(std::size_t offset) {
    std::array<float*, UpdateRule::kMaxStates> pointers = {};
    for (std::size_t i = 0; i < arrays_.size(); ++i) pointers[i] = arrays_[i].data() + offset;
    return pointers;
  }

 private:
  std::vector<std::vector<float>> arrays_;
};

TEST(UpdateRule, KeepsAsManyStatesAsTheConfigurationNames) {
  std::vector<Rule> all = rules();
  all.push_back({{.name = RuleKind::sgd, .momentum = 1e-60, .schedule = {}}, sgd});
  for (const Rule& rule : all) {
    EXPECT_EQ(make_update_rule(rule.config)->state_count(), optimizer_states(rule.config).size())
        << describe(rule.config);
  }
}

TEST(UpdateRule, FollowsItsFormula) {
  for (const Rule& rule : rules()) {
    SCOPED_TRACE(describe(rule.config));
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 1);
    constexpr std::size_t kCount = 100;
    const auto update = make_update_rule(rule.config);
    State state(*update, kCount);
    std::vector<float> in(kCount);
    std::vector<float> out(kCount);
    std::vector<Oracle> oracles(kCount);
    for (std::size_t i = 0; i < kCount; ++i) oracles[i].x = in[i] = normal(random);
    for (int step = 1; step <= kSteps; ++step) {
      std::vector<float> gradient(kCount);
      for (float& g : gradient) g = normal(random);
      update->begin_step(kLr, step);
      update->update({kCount, gradient.data(), in.data(), out.data(), state.at(0).data()});
      for (std::size_t i = 0; i < kCount; ++i) {
        rule.oracle(oracles[i], gradient[i], rule.config, step);
        ASSERT_NEAR(out[i], oracles[i].x, 1e-6 + 1e-5 * std::abs(oracles[i].x)) << "step " << step;
      }
      std::swap(in, out);
    }
  }
}

TEST(UpdateRule, GivesTheSameBitsHoweverTheBlockIsCut) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  constexpr std::size_t kCount = 5000;
  for (const Rule& rule : rules()) {
    const auto update = make_update_rule(rule.config);
    State whole_state(*update, kCount);
    State cut_state(*update, kCount);
    std::vector<float> in(kCount);
    for (float& x : in) x = normal(random);
    std::vector<float> whole(kCount);
    std::vector<float> cut(kCount);
    for (int step = 1; step <= 5; ++step) {
      std::vector<float> gradient(kCount);
      for (float& g : gradient) g = normal(random);
      update->begin_step(kLr, step);
      update->update({kCount, gradient.data(), in.data(), whole.data(), whole_state.at(0).data()});
      for (std::size_t offset = 0; offset < kCount;) {
        const std::size_t count = std::min(std::uniform_int_distribution<std::size_t>(1, 700)(random), kCount - offset);
        update->update(
            {count, gradient.data() + offset, in.data() + offset, cut.data() + offset, cut_state.at(offset).data()});
        offset += count;
      }
      ASSERT_EQ(whole, cut) << describe(rule.config) << " step " << step;
      in = whole;
    }
  }
}

}  // namespace
}  // namespace runnel
