// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/bucket_countdown.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace runnel {
namespace {

// As the definition says it: the last buckets whose every byte belongs to a tensor that is ready.
std::uint32_t complete_from_back(const BucketLayout& layout, const Shard& shard, const std::vector<bool>& ready) {
  for (std::uint32_t count = 0; count < shard.buckets; ++count) {
    const ByteRange bucket = layout.bucket(shard.first_bucket + shard.buckets - 1 - count);
    for (std::size_t i = 0; i < ready.size(); ++i) {
      const ByteRange tensor = layout.tensors()[i].bytes;
      if (!ready[i] && tensor.begin < bucket.end && bucket.begin < tensor.end) return count;
    }
  }
  return shard.buckets;
}

TEST(BucketCountdown, KnowsWhatIsCompleteInAnyOrderOfTensors) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<BucketLayout::Tensor> tensors;
    for (auto left = std::uniform_int_distribution<int>(1, 12)(random); left > 0; --left) {
      tensors.push_back({"t" + std::to_string(left), {std::uniform_int_distribution<std::int64_t>(1, 30'000)(random)}});
    }
    tensors.push_back({"large enough for three shards", {3 * std::int64_t{kBlockFloats}}});
    const BucketLayout layout(tensors, 2 * kBlockBytes, 3);
    BucketCountdown countdown(layout);
    for (int step = 0; step < 2; ++step) {
      std::vector<std::size_t> order(tensors.size());
      std::iota(order.begin(), order.end(), 0U);
      std::ranges::shuffle(order, random);
      std::vector<bool> ready(tensors.size());
      for (const std::size_t tensor : order) {
        countdown.tensor_ready(tensor);
        ready[tensor] = true;
        for (std::size_t s = 0; s < layout.shard_count(); ++s) {
          ASSERT_EQ(countdown.complete_from_back(s), complete_from_back(layout, layout.shard(s), ready));
        }
      }
      for (std::size_t s = 0; s < layout.shard_count(); ++s) {
        ASSERT_EQ(countdown.complete_from_back(s), layout.shard(s).buckets);
      }
      countdown.restart();
      ASSERT_EQ(countdown.complete_from_back(0), 0U);
    }
  }
}

}  // namespace
}  // namespace runnel
