// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/bucket_layout.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

namespace runnel {
namespace {

/// The bytes of the tensors that are averaged.
ByteRange averaged_bytes(const BucketLayout& layout) {
  return {layout.float_counts().optimized * sizeof(float), layout.bytes()};
}

TensorRule rule_of(const BucketLayout& layout, std::size_t bucket) {
  return layout.bucket(bucket).begin < averaged_bytes(layout).begin ? TensorRule::optimize : TensorRule::average;
}

using Tensors = std::vector<BucketLayout::Tensor>;

// The reference network.
const Tensors kMnistCnn = {
    {"conv1.weight", {32, 1, 3, 3}}, {"conv1.bias", {32}}, {"conv2.weight", {64, 32, 3, 3}}, {"conv2.bias", {64}},
    {"fc1.weight", {128, 9216}},     {"fc1.bias", {128}},  {"fc2.weight", {10, 128}},        {"fc2.bias", {10}}};

TEST(BucketLayout, HoldsTheTensorsWithoutPadding) {
  const BucketLayout layout(kMnistCnn, 1 << 20);
  EXPECT_EQ(layout.float_count(), 1'199'882U);
  EXPECT_EQ(layout.bytes(), 4'799'528U);
  EXPECT_EQ(layout.padded_bytes(), 293 * kBlockBytes);
  EXPECT_EQ(layout.bucket_count(), 6U) << "one for the convolutions alone, five for what comes behind them";
  EXPECT_EQ(layout.bucket(0).end, 5 * kBlockBytes);
  std::size_t end = 0;
  for (const TensorPlace& tensor : layout.tensors()) {
    EXPECT_EQ(tensor.bytes.begin, end) << tensor.name;
    end = tensor.bytes.end;
  }
  EXPECT_EQ(end, layout.bytes());
}

TEST(BucketLayout, BucketsCoverEverythingOnce) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const auto floats = std::uniform_int_distribution<std::int64_t>(1, 300'000)(random);
    const std::size_t bucket_bytes = kBlockBytes * std::uniform_int_distribution<std::size_t>(1, 90)(random);
    const auto small = std::uniform_int_distribution<std::int64_t>(1, 20'000)(random);
    const auto blocks = (static_cast<std::size_t>(floats + small) + kBlockFloats - 1) / kBlockFloats;
    const auto shards = std::uniform_int_distribution<std::size_t>(1, std::min<std::size_t>(blocks, 9))(random);
    const BucketLayout layout({{"s", {small}}, {"t", {floats}}}, bucket_bytes, shards);
    std::size_t end = 0;
    for (std::size_t s = 0; s < shards; ++s) {
      const Shard& shard = layout.shard(s);
      ASSERT_EQ(shard.bytes.begin, end);
      ASSERT_NEAR(static_cast<double>(shard.bytes.size()), static_cast<double>(layout.bytes()) / shards, kBlockBytes);
      for (std::uint32_t i = 0; i < shard.buckets; ++i) {
        const ByteRange bucket = layout.bucket(shard.first_bucket + i);
        ASSERT_EQ(bucket.begin, end);
        ASSERT_EQ(bucket.begin % kBlockBytes, 0U);
        ASSERT_GT(bucket.size(), 0U);
        ASSERT_LE(bucket.size(), bucket_bytes);
        ASSERT_EQ(layout.bucket_in(shard, i), (ByteRange{end - shard.bytes.begin, bucket.end - shard.bytes.begin}));
        end = bucket.end;
      }
      ASSERT_EQ(shard.bytes.end, end);
    }
    ASSERT_EQ(end, layout.bytes());
    ASSERT_EQ(layout.shard(shards - 1).first_bucket + layout.shard(shards - 1).buckets, layout.bucket_count());
  }
}

constexpr TensorRule kAverage = TensorRule::average;

TEST(BucketLayout, AveragedTensorsBeginAtABlock) {
  const BucketLayout layout({{"w", {3, 5}}, {"b", {2}}, {"mean", {7}, kAverage}, {"var", {7}, kAverage}},
                            4 * kBlockBytes);
  EXPECT_EQ(layout.tensors()[1].bytes, (ByteRange{60, 68}));
  EXPECT_EQ(layout.tensors()[2].bytes, (ByteRange{kBlockBytes, kBlockBytes + 28}));
  EXPECT_EQ(layout.tensors()[3].bytes, (ByteRange{kBlockBytes + 28, kBlockBytes + 56}));
  EXPECT_EQ(averaged_bytes(layout), (ByteRange{kBlockBytes, layout.bytes()}));
  EXPECT_EQ(layout.float_counts(), (FloatCounts{kBlockFloats, 14}));
  EXPECT_EQ(layout.float_count(), kBlockFloats + 14);
  ASSERT_EQ(layout.bucket_count(), 2U);
  EXPECT_EQ(rule_of(layout, 0), TensorRule::optimize);
  EXPECT_EQ(rule_of(layout, 1), TensorRule::average);
}

TEST(BucketLayout, WithoutAveragedTensorsAllIsOptimized) {
  const BucketLayout layout(kMnistCnn, 1 << 20);
  EXPECT_EQ(averaged_bytes(layout).size(), 0U);
  EXPECT_EQ(layout.float_counts(), (FloatCounts{layout.float_count(), 0}));
  for (std::size_t i = 0; i < layout.bucket_count(); ++i) EXPECT_EQ(rule_of(layout, i), TensorRule::optimize);
}

TEST(BucketLayout, CanHaveAveragedTensorsOnly) {
  const BucketLayout layout({{"mean", {7}, kAverage}}, kBlockBytes);
  EXPECT_EQ(layout.bytes(), 28U);
  EXPECT_EQ(layout.float_counts(), (FloatCounts{0, 7}));
  EXPECT_EQ(rule_of(layout, 0), TensorRule::average);
}

Tensors random_tensors(std::mt19937& random, const std::string& prefix, TensorRule rule) {
  Tensors tensors;
  for (std::size_t i = 0; i < 1 + random() % 3; ++i) {
    const std::int64_t floats = 1 + static_cast<std::int64_t>(random() % (random() % 2 == 0 ? 100 : 60'000));
    tensors.push_back({prefix + std::to_string(i), {floats}, rule});
  }
  return tensors;
}

// Every bucket of the shard continues at `end` and has tensors of one rule. The floats of either.
FloatCounts expect_one_rule_a_bucket(const BucketLayout& layout, const Shard& shard, std::size_t end) {
  FloatCounts counts;
  for (std::size_t i = shard.first_bucket; i < shard.first_bucket + shard.buckets; ++i) {
    const ByteRange bucket = layout.bucket(i);
    EXPECT_EQ(bucket.begin, end);
    EXPECT_EQ(bucket.begin % kBlockBytes, 0U);
    EXPECT_GT(bucket.size(), 0U);
    end = bucket.end;
    for (const TensorPlace& tensor : layout.tensors()) {
      if (tensor.bytes.begin >= bucket.end || tensor.bytes.end <= bucket.begin) continue;
      EXPECT_EQ(tensor.rule, rule_of(layout, i)) << tensor.name << " in bucket " << i;
    }
    const bool averaged = rule_of(layout, i) == TensorRule::average;
    (averaged ? counts.averaged : counts.optimized) += bucket.size() / sizeof(float);
  }
  EXPECT_EQ(end, shard.bytes.end);
  return counts;
}

TEST(BucketLayout, NoBucketHoldsBothKinds) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300 && !testing::Test::HasFailure(); ++round) {
    const Tensors trained = random_tensors(random, "t", TensorRule::optimize);
    const Tensors averaged = random_tensors(random, "a", TensorRule::average);
    Tensors all = trained;
    all.insert(all.end(), averaged.begin(), averaged.end());
    const BucketLayout alone(trained, kBlockBytes);
    const std::size_t bytes = alone.padded_bytes() + BucketLayout(averaged, kBlockBytes).bytes();
    const std::size_t shards = 1 + random() % std::min<std::size_t>((bytes + kBlockBytes - 1) / kBlockBytes, 9);
    const BucketLayout layout(all, kBlockBytes * (1 + random() % 9), shards);
    EXPECT_EQ(layout.bytes(), bytes);
    EXPECT_EQ(averaged_bytes(layout), (ByteRange{alone.padded_bytes(), bytes}));
    for (std::size_t i = 0; i < trained.size(); ++i) {
      EXPECT_EQ(layout.tensors()[i].bytes, alone.tensors()[i].bytes) << "averaged tensors move no other";
    }
    FloatCounts counts;
    for (std::size_t s = 0; s < shards; ++s) {
      const FloatCounts in_shard =
          expect_one_rule_a_bucket(layout, layout.shard(s), s == 0 ? 0 : layout.shard(s - 1).bytes.end);
      EXPECT_EQ(layout.float_counts(layout.shard(s)), in_shard);
      counts.optimized += in_shard.optimized;
      counts.averaged += in_shard.averaged;
    }
    EXPECT_EQ(layout.float_counts(), counts);
  }
}

TEST(BucketLayout, RefusesWhatCannotBe) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(BucketLayout({}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {3}}}, 0), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {3}}}, kBlockBytes + 4), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {3}}}, kBlockBytes, 0), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {3}}}, kBlockBytes, 2), std::invalid_argument) << "one block for two";
  EXPECT_THROW(BucketLayout({{"t", {3, 0}}}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {-3}}}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {kHuge, kHuge}}}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {kHuge / 4}}, {"u", {kHuge / 4}}}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {kHuge / 4}}, {"u", {1}, kAverage}}, kBlockBytes), std::invalid_argument);
  EXPECT_THROW(BucketLayout({{"t", {3}, kAverage}, {"u", {3}}}, kBlockBytes), std::invalid_argument);
}

TEST(BucketLayout, NamesElementsAsPyTorchIndexesThem) {
  const BucketLayout layout({{"a", {2, 3}}, {"b", {4}}, {"c.weight", {2, 1, 2}}}, kBlockBytes);
  EXPECT_EQ(layout.element_name(0), "a[0, 0]");
  EXPECT_EQ(layout.element_name(5), "a[1, 2]");
  EXPECT_EQ(layout.element_name(6), "b[0]");
  EXPECT_EQ(layout.element_name(9), "b[3]");
  EXPECT_EQ(layout.element_name(12), "c.weight[1, 0, 0]");
  EXPECT_EQ(layout.element_name(13), "c.weight[1, 0, 1]");
}

TEST(BucketLayout, NamesElementsOfTheGap) {
  const BucketLayout layout({{"a", {2, 3}}, {"mean", {4}, kAverage}}, kBlockBytes);
  EXPECT_EQ(layout.element_name(5), "a[1, 2]");
  EXPECT_EQ(layout.element_name(6), "gap before mean");
  EXPECT_EQ(layout.element_name(kBlockFloats - 1), "gap before mean");
  EXPECT_EQ(layout.element_name(kBlockFloats), "mean[0]");
}

TEST(BucketLayout, FingerprintTellsLayoutsApart) {
  const std::set<std::string> fingerprints = {
      to_hex(BucketLayout({{"a", {2, 3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {3, 2}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {6}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"b", {2, 3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {5000, 3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {5000, 3}}}, 2 * kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {5000, 3}}}, kBlockBytes, 2).fingerprint()),
      to_hex(BucketLayout({{"a", {2}}, {"b", {3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"b", {3}}, {"a", {2}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a 2\n1 b", {3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {2, 3}, kAverage}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {4096}}, {"b", {3}}}, kBlockBytes).fingerprint()),
      to_hex(BucketLayout({{"a", {4096}}, {"b", {3}, kAverage}}, kBlockBytes).fingerprint()),
  };
  EXPECT_EQ(fingerprints.size(), 13U);
  EXPECT_EQ(BucketLayout(kMnistCnn, 1 << 20).fingerprint(), BucketLayout(kMnistCnn, 1 << 20).fingerprint());
}

}  // namespace
}  // namespace runnel
