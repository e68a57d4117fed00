// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/host_reducer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/runtime/allocation_count.h"
#include "tests/runtime/reduction/random_job.h"

namespace runnel {
namespace {

using namespace test;  // random_job.h

// The parameters' bits after all steps, with buckets reduced in a random order.
std::vector<std::uint32_t> run(const Job& job, std::size_t bucket_bytes, std::size_t threads, std::mt19937& random) {
  const BucketLayout layout({{"all", {static_cast<std::int64_t>(kFloats)}}}, bucket_bytes);
  HostReducer reducer({kFloats}, job.optimizer, threads, tree_of(job));
  Floats in = job.start;
  Floats out(kFloats);
  std::vector<std::size_t> order(layout.bucket_count());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int step = 0; step < kSteps; ++step) {
    std::shuffle(order.begin(), order.end(), random);
    const auto gradients = pointers(job.gradients[step]);
    reducer.begin_step(0.1, step + 1, in.data(), out.data(), gradients);
    for (const std::size_t i : order) reducer.reduce(layout.bucket(i));
    reducer.finish_step();
    std::swap(in, out);
  }
  std::vector<std::uint32_t> bits(kFloats);
  std::transform(in.begin(), in.end(), bits.begin(), [](float x) { return std::bit_cast<std::uint32_t>(x); });
  return bits;
}

std::vector<OptimizerConfig> optimizers() {
  std::vector<OptimizerConfig> all;
  for (const auto& rule : kChoices<RuleKind>) {
    for (const ReduceKind reduce : {ReduceKind::sum, ReduceKind::mean}) {
      for (const double clip_norm : {0.0, 0.5}) {
        all.push_back({.name = rule.value, .reduce = reduce, .schedule = {}, .clip_norm = clip_norm});
      }
    }
  }
  return all;
}

std::string describe(const OptimizerConfig& c) {
  return std::string(word_of(c.name)).append(" ").append(word_of(c.reduce)) + " clip_norm " +
         std::to_string(c.clip_norm);
}

TEST(HostReducer, GivesTheSameBitsForAnyBucketsOrderAndThreads) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const OptimizerConfig& optimizer : optimizers()) {
    const Job job = random_job(random, optimizer, optimizer.clip_norm == 0);
    const auto expected = run(job, 64 * kBlockBytes, 1, random);
    for (const std::size_t threads : {1, 2, 3, 7}) {
      const std::size_t blocks = std::uniform_int_distribution<std::size_t>(1, 6)(random);
      ASSERT_EQ(run(job, blocks * kBlockBytes, threads, random), expected)
          << describe(optimizer) << ", " << job.gradients[0].size() << " trainers, buckets of " << blocks << " blocks, "
          << threads << " threads";
    }
  }
}

// Parameters after a job that is made of integers, so that it is the same on every machine.
std::string digest_of(const OptimizerConfig& optimizer) {
  std::uint32_t state = 1;
  const auto next_floats = [&state] {
    Floats floats(kFloats);
    for (float& x : floats) {
      state = state * 1664525 + 1013904223;
      x = static_cast<float>(static_cast<int>(state >> 16) - 32768) / 65536.0F;
    }
    return floats;
  };
  Job job = {optimizer, 3, {}, next_floats()};
  for (int step = 0; step < kSteps; ++step) job.gradients.push_back({next_floats(), next_floats(), next_floats()});
  std::mt19937 random(1);
  const std::vector<std::uint32_t> bits = run(job, 2 * kBlockBytes, 2, random);
  return to_hex(sha256(std::as_bytes(std::span(bits)))).substr(0, 16);
}

TEST(HostReducer, GivesTheSameBitsInEveryBuild) {
  EXPECT_EQ(digest_of({.name = RuleKind::adadelta, .reduce = ReduceKind::sum, .schedule = {}}), "de3171f93ed98de3");
  EXPECT_EQ(digest_of({.name = RuleKind::adadelta,
                       .weight_decay = 0.01,
                       .reduce = ReduceKind::mean,
                       .schedule = {},
                       .clip_norm = 2}),
            "1926618c3d44431f");
  EXPECT_EQ(digest_of({.name = RuleKind::sgd, .momentum = 0.9, .reduce = ReduceKind::sum, .schedule = {}}),
            "5b20366179820977");
  EXPECT_EQ(digest_of({.name = RuleKind::adam, .reduce = ReduceKind::sum, .schedule = {}}), "c425415e8a6f4e3a");
  EXPECT_EQ(digest_of({.name = RuleKind::adamw, .weight_decay = 0.01, .reduce = ReduceKind::mean, .schedule = {}}),
            "4c54b88a02874968");
}

TEST(HostReducer, KeepsStatesInMemoryOfSomebodyElseAlike) {
  std::mt19937 random(5);
  const std::vector<Floats> gradients = {random_gradient(random, false), random_gradient(random, false)};
  const auto starts = pointers(gradients);
  const OptimizerConfig adam = {.name = RuleKind::adam, .schedule = {}};
  std::vector<Floats> memory(2, Floats(kFloats));
  HostReducer own({kFloats}, adam, 2, tree_of(2));
  HostReducer shared({kFloats}, adam, 2, tree_of(2), BufferRule::average, {memory[0], memory[1]});
  const Floats in(kFloats, 1.0F);
  std::vector<Floats> out(2, Floats(kFloats));
  for (HostReducer* reducer : {&own, &shared}) {
    reducer->begin_step(0.1, 1, in.data(), out[reducer == &own ? 0 : 1].data(), starts);
    reducer->reduce({0, kFloats * sizeof(float)});
    reducer->finish_step();
  }
  EXPECT_EQ(out[0], out[1]);
  ASSERT_EQ(own.states().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(std::ranges::equal(own.states()[i], memory[i])) << "state " << i;
    EXPECT_EQ(shared.states()[i].data(), memory[i].data());
    EXPECT_TRUE(std::ranges::any_of(memory[i], [](float value) { return value != 0; }));
  }
}

// With plain descent from zero and learning rate 1, the new parameters are the negated reduced gradient. `seats`: in as
// many shares as there are gradients; 0: one each.
Floats reduced(const std::vector<Floats>& gradients, OptimizerConfig config, std::size_t seats = 0) {
  config.name = RuleKind::sgd;
  HostReducer reducer({kFloats}, config, 2,
                      SumTree(deal_seats(seats > 0 ? seats : gradients.size(), gradients.size())));
  const Floats zero(kFloats);
  Floats out(kFloats);
  const auto starts = pointers(gradients);
  reducer.begin_step(1.0, 1, zero.data(), out.data(), starts);
  reducer.reduce({0, kFloats * sizeof(float)});
  reducer.finish_step();
  for (float& x : out) x = 0.0F - x;
  return out;
}

TEST(HostReducer, AddsInPairsAndScalesOnce) {
  std::mt19937 random(3);
  std::vector<Floats> gradients;
  for (int i = 0; i < 5; ++i) gradients.push_back(random_gradient(random, false));
  OptimizerConfig mean;
  mean.reduce = ReduceKind::mean;
  const Floats sum = reduced(gradients, {});
  const Floats average = reduced(gradients, mean);
  for (std::size_t i = 0; i < kFloats; ++i) {
    const float expected =
        ((gradients[0][i] + gradients[1][i]) + (gradients[2][i] + gradients[3][i])) + gradients[4][i];
    ASSERT_EQ(sum[i], expected);
    ASSERT_EQ(average[i], expected * (1.0F / 5.0F));
  }
}

TEST(HostReducer, AddsThreeInOrder) {
  std::mt19937 random(3);
  std::vector<Floats> gradients;
  for (int i = 0; i < 3; ++i) gradients.push_back(random_gradient(random, false));
  const Floats sum = reduced(gradients, {});
  for (std::size_t i = 0; i < kFloats; ++i) {
    ASSERT_EQ(sum[i], gradients[0][i] + gradients[1][i] + gradients[2][i]);
  }
}

// The tree over `seats`, by its definition: the greatest power of two that is less goes to the left.
float tree_sum(const std::vector<Floats>& gradients, std::size_t element, SeatRange seats) {
  if (seats.count == 1) return gradients[seats.first][element];
  std::size_t left = 1;
  while (2 * left < seats.count) left *= 2;
  const float sum = tree_sum(gradients, element, {seats.first, left});
  return sum + tree_sum(gradients, element, {seats.first + left, seats.count - left});
}

// What each of `trainers` hands over: the root of its subtree.
std::vector<Floats> subtree_roots(const std::vector<Floats>& gradients, std::size_t trainers) {
  std::vector<Floats> roots;
  for (const SeatRange& share : deal_seats(gradients.size(), trainers)) {
    Floats& root = roots.emplace_back(kFloats);
    for (std::size_t i = 0; i < kFloats; ++i) root[i] = tree_sum(gradients, i, share);
  }
  return roots;
}

TEST(HostReducer, AddsSeatsInATreeHoweverManyTrainersTheyAreDealtTo) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const std::size_t seats : {1, 2, 3, 4, 5, 6, 7, 8, 11, 32}) {
    std::vector<Floats> gradients;
    for (std::size_t i = 0; i < seats; ++i) gradients.push_back(random_gradient(random, false));
    for (std::size_t trainers = 1; trainers <= seats; ++trainers) {
      const std::vector<Floats> roots = subtree_roots(gradients, trainers);
      const double clip_norm = trainers % 2 == 0 ? 1e6 : 0;  // added in blocks, and in strips
      const Floats sum = reduced(roots, {.reduce = ReduceKind::sum, .schedule = {}, .clip_norm = clip_norm}, seats);
      const Floats mean = reduced(roots, {.reduce = ReduceKind::mean, .schedule = {}, .clip_norm = clip_norm}, seats);
      for (std::size_t i = 0; i < kFloats; ++i) {
        const float expected = tree_sum(gradients, i, {.first = 0, .count = seats});
        ASSERT_EQ(sum[i], expected) << seats << " seats in " << trainers;
        ASSERT_EQ(mean[i], expected * (1.0F / static_cast<float>(seats))) << seats << " in " << trainers;
      }
    }
  }
}

// In float, three small numbers are lost one by one in a large one, but not when two of them meet first.
TEST(HostReducer, ATreeIsNotASequence) {
  const std::vector<Floats> gradients = {Floats(kFloats, 16777216.0F), Floats(kFloats, 1.0F), Floats(kFloats, 1.0F),
                                         Floats(kFloats, 1.0F)};
  EXPECT_EQ(reduced(gradients, {})[0], 16777218.0F);
}

TEST(HostReducer, ClipsTheNormOfTheReducedGradient) {
  std::mt19937 random(4);
  const std::vector<Floats> gradients = {random_gradient(random, false), random_gradient(random, false)};
  double squares = 0;
  for (std::size_t i = 0; i < kFloats; ++i) {
    squares += std::pow(static_cast<double>(gradients[0][i] + gradients[1][i]), 2);
  }
  OptimizerConfig clipped;
  clipped.clip_norm = 2.5;
  const Floats shorter = reduced(gradients, clipped);
  const double factor = 2.5 / (std::sqrt(squares) + 1e-6);
  double clipped_squares = 0;
  for (std::size_t i = 0; i < kFloats; ++i) {
    ASSERT_NEAR(shorter[i], factor * (gradients[0][i] + gradients[1][i]), 1e-6);
    clipped_squares += std::pow(static_cast<double>(shorter[i]), 2);
  }
  EXPECT_NEAR(std::sqrt(clipped_squares), 2.5, 1e-4);

  OptimizerConfig roomy;
  roomy.clip_norm = 1e6;
  EXPECT_EQ(reduced(gradients, roomy), reduced(gradients, {}));
}

TEST(HostReducer, FindsTheFirstParameterThatIsNotFinite) {
  constexpr float kMax = std::numeric_limits<float>::max();
  for (const double clip_norm : {0.0, 1e30}) {
    for (const std::size_t threads : {1, 3}) {
      HostReducer reducer({kFloats}, {.name = RuleKind::sgd, .schedule = {}, .clip_norm = clip_norm}, threads,
                          tree_of(2));
      Floats in(kFloats);
      Floats out(kFloats);
      const auto found_after_step = [&](const Floats& gradient) {
        const std::vector<const float*> gradients = {gradient.data(), gradient.data()};
        reducer.begin_step(1.0, 1, in.data(), out.data(), gradients);
        reducer.reduce({2 * kBlockBytes, kFloats * sizeof(float)});
        reducer.reduce({0, 2 * kBlockBytes});
        reducer.finish_step();
        return reducer.first_nonfinite();
      };
      EXPECT_EQ(found_after_step(Floats(kFloats, 1.0F)), std::nullopt);
      for (const std::size_t index : {std::size_t{0}, std::size_t{700}, 3 * kBlockFloats + 5, kFloats - 1}) {
        in.assign(kFloats, 0.0F);
        in[index] = in[kFloats - 1] = std::numeric_limits<float>::quiet_NaN();
        EXPECT_EQ(found_after_step(Floats(kFloats)), index) << threads << " threads, clip_norm " << clip_norm;
        in.assign(kFloats, 0.0F);
        EXPECT_EQ(found_after_step(Floats(kFloats)), std::nullopt) << "of the step before";
      }
      if (clip_norm > 0) continue;  // clipping makes zeros of that
      Floats large(kFloats);
      large[9] = kMax;
      EXPECT_EQ(found_after_step(large), 9U);
    }
  }
}

TEST(HostReducer, StepAllocatesNothing) {
  if (!test::kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  std::mt19937 random(5);
  for (const OptimizerConfig& optimizer : optimizers()) {
    const Job job = random_job(random, optimizer, false);
    HostReducer reducer({kFloats}, optimizer, 3, tree_of(job));
    Floats out(kFloats);
    const auto gradients = pointers(job.gradients[0]);
    const std::uint64_t before = test::allocation_count();
    for (int step = 1; step <= 3; ++step) {
      reducer.begin_step(0.1, step, job.start.data(), out.data(), gradients);
      reducer.reduce({0, 2 * kBlockBytes});
      reducer.reduce({2 * kBlockBytes, kFloats * sizeof(float)});
      reducer.finish_step();
    }
    EXPECT_EQ(test::allocation_count(), before) << describe(optimizer);
  }
}

}  // namespace
}  // namespace runnel
