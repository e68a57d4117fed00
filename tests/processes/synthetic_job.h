// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/generator/generator.h"
#include "runtime/protocol/bucket_layout.h"
#include "tests/support/peer_process.h"
#include "tests/support/plain_tree.h"
#include "transport/path.h"

/// A job whose gradients a formula gives, and what comes out of it: by a plain loop, without any exchange.
namespace runnel::test {

inline constexpr double kLearningRate = 0.01;
/// Which process waits, at random but by a seed, and where in a step.
enum class Delay { none, before_push, after_push, anywhere };

struct Settings {
  int generators = 1;
  int trainers = 2;
  Path path = Path::mapped;
  std::int64_t bucket_bytes = 65536;
  std::uint64_t steps = 20;
  Delay delay = Delay::none;
  std::uint64_t seed = 0;
  bool traced = false;
  double clip_norm = 0;   ///< plain_loop() does not clip
  bool averaged = false;  ///< there are also tensors with the rule `average`

  std::vector<std::string> to_arguments() const {
    return {std::to_string(generators),   std::to_string(trainers),
            std::string(to_string(path)), std::to_string(bucket_bytes),
            std::to_string(steps),        std::to_string(static_cast<int>(delay)),
            std::to_string(seed),         std::to_string(traced ? 1 : 0),
            std::to_string(clip_norm),    std::to_string(averaged ? 1 : 0)};
  }

  static Settings from(const std::vector<std::string>& arguments) {
    return {.generators = std::stoi(arguments.at(0)),
            .trainers = std::stoi(arguments.at(1)),
            .path = path_from_string(arguments.at(2)).value(),
            .bucket_bytes = std::stoll(arguments.at(3)),
            .steps = std::stoull(arguments.at(4)),
            .delay = static_cast<Delay>(std::stoi(arguments.at(5))),
            .seed = std::stoull(arguments.at(6)),
            .traced = arguments.at(7) == "1",
            .clip_norm = std::stod(arguments.at(8)),
            .averaged = arguments.at(9) == "1"};
  }

  Config config() const {
    Config config;
    config.trainer.count = trainers;
    config.generator.count = generators;
    config.optimizer.name = RuleKind::sgd;
    config.optimizer.lr = kLearningRate;
    config.optimizer.clip_norm = clip_norm;
    config.transport.path = path;
    config.transport.bucket_bytes = bucket_bytes;
    config.run.timeout_s = 15;
    if (traced) config.run.trace = "only the program writes it";
    return config;
  }
};

/// Tensors that end inside a block, inside a bucket and inside a shard. With three generators the last shard holds
/// averaged tensors only.
inline BucketLayout layout_of(const Settings& settings) {
  std::vector<BucketLayout::Tensor> tensors = {{"a", {61, 1000}}, {"b", {7}}, {"c", {33, 31, 29}}};
  if (settings.averaged) {
    tensors.push_back({"mean", {50'000}, TensorRule::average});
    tensors.push_back({"variance", {11}, TensorRule::average});
  }
  return {tensors, static_cast<std::size_t>(settings.bucket_bytes), static_cast<std::size_t>(settings.generators)};
}

/// Tells all other processes of such a job about this one, whose tensors lie on `device`.
inline PeerGroup introduce(Bootstrap& bootstrap, const Settings& settings, const BucketLayout& layout,
                           const DeviceId& device) {
  const Introduction introduction = make_introduction(settings.config(), layout.fingerprint(), device);
  return PeerGroup::introduce(bootstrap, introduction, settings.generators, test_deadline());
}

inline float start_value(std::size_t element) {
  return 1.0F + static_cast<float>(element % 97) / 97.0F;
}

inline std::vector<float> start_values(const BucketLayout& layout) {
  std::vector<float> values(layout.float_count());
  for (const TensorPlace& tensor : layout.tensors()) {
    const std::size_t end = tensor.bytes.end / sizeof(float);
    for (std::size_t i = tensor.bytes.begin / sizeof(float); i < end; ++i) values[i] = start_value(i);
  }
  return values;
}

/// All steps of a generator.
inline void make_steps(Generator& generator, const Settings& settings, const BucketLayout& layout) {
  generator.reserve(settings.steps);
  generator.publish_start(start_values(layout));
  for (std::uint64_t step = 0; step < settings.steps; ++step) generator.step(kLearningRate);
}

/// Depends on the parameters, so that a trainer that computed with another version is found out; and of a size that
/// differs between trainers, so that another order of the sum has other bits.
inline float gradient(int trainer, std::uint64_t step, std::size_t element, float parameter) {
  const std::uint64_t mixed = (element + 1) * 0x9e3779b97f4a7c15 ^ (step + 1) * 0xbf58476d1ce4e5b9;
  const float noise = static_cast<float>((mixed >> 40) % 1001) / 1001.0F - 0.5F;
  return (noise + 0.1F * parameter) / static_cast<float>(3 * trainer + 1);
}

/// Element `i` after all steps.
inline float plain_element(const Settings& settings, TensorRule rule, std::size_t i) {
  float value = start_value(i);
  for (std::uint64_t step = 0; step < settings.steps; ++step) {
    std::vector<float> parts;
    for (int trainer = 0; trainer < settings.trainers; ++trainer) parts.push_back(gradient(trainer, step, i, value));
    if (rule == TensorRule::average) {
      value = plain_mean(parts);
    } else {
      value -= static_cast<float>(kLearningRate) * plain_sum(parts);
    }
  }
  return value;
}

inline std::vector<float> plain_loop(const Settings& settings) {
  const BucketLayout layout = layout_of(settings);
  std::vector<float> parameters(layout.float_count());
  for (const TensorPlace& tensor : layout.tensors()) {
    const std::size_t end = tensor.bytes.end / sizeof(float);
    for (std::size_t i = tensor.bytes.begin / sizeof(float); i < end; ++i) {
      parameters[i] = plain_element(settings, tensor.rule, i);
    }
  }
  return parameters;
}

inline void expect_same_bits(const std::vector<float>& found, const std::vector<float>& expected,
                             const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  const auto [a, b] = std::ranges::mismatch(found, expected);
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0)
      << what << ": first difference at element " << a - found.begin() << ": " << (a == found.end() ? 0 : *a)
      << " instead of " << (b == expected.end() ? 0 : *b);
}

}  // namespace runnel::test
