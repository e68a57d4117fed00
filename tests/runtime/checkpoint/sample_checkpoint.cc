// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/runtime/checkpoint/sample_checkpoint.h"

#include <span>

#include "runtime/base/random.h"
#include "runtime/checkpoint/checkpoint_writer.h"

namespace runnel::test {

SampleModel::SampleModel(std::uint64_t seed, std::size_t first_floats) : seed_(seed) {
  manifest_.seats = 4;
  manifest_.trainers = 2;
  manifest_.tensors = {
      {{"fc1.weight"}, {static_cast<std::int64_t>(first_floats)}, ElementType::float32, TensorRule::optimize},
      {{"embedding.weight", "head.weight"}, {7, 900}, ElementType::float32, TensorRule::optimize},
      {{"fc1.bias"}, {3}, ElementType::float32, TensorRule::optimize},
      {{"bn.running_mean"}, {5000}, ElementType::float32, TensorRule::average},
      {{"bn.running_var"}, {2, 3}, ElementType::float32, TensorRule::average},
      {{"bn.num_batches_tracked"}, {}, ElementType::int64, {}},
  };
  manifest_.optimizer = "adam";
  manifest_.states = {"mean", "variance"};
  manifest_.fixed_settings = {{"run.seed", "1"}, {"trainer.batch_size", "64"}};
  manifest_.free_settings = {{"optimizer.lr", "0.1"}};
  manifest_.data = "60000 samples, sha256 0f1e";
  manifest_.account = R"({"tests":[{"epoch":1,"step":50,"loss":0.25,"metrics":{"top5":0.5,"accuracy":0.75}}]})";
}

BucketLayout SampleModel::layout(std::size_t shards) const {
  return {manifest_.exchanged(), kBlockBytes, shards};
}

std::vector<float> SampleModel::values(std::int64_t step, std::size_t which) const {
  const BucketLayout layout = this->layout(1);
  std::vector<float> values(layout.float_count());
  SplitMix64 random(seed_ * 1000 + static_cast<std::uint64_t>(step) * 10 + which);
  const std::size_t count = which == 0 ? values.size() : layout.float_counts().optimized;
  for (const TensorPlace& place : layout.tensors()) {
    for (std::size_t i = place.bytes.begin / sizeof(float); i < place.bytes.end / sizeof(float) && i < count; ++i) {
      values[i] = static_cast<float>(random.next() >> 40);
    }
  }
  return values;
}

std::vector<std::uint8_t> SampleModel::other(std::int64_t step) const {
  std::vector<std::uint8_t> bytes(8);
  bytes[0] = static_cast<std::uint8_t>(step);
  return bytes;
}

void SampleModel::write_shard(const std::filesystem::path& directory, std::int64_t step, std::size_t shard,
                              std::size_t shards, const std::string& run) const {
  const BucketLayout layout = this->layout(shards);
  const std::size_t begin = layout.shard(shard).bytes.begin / sizeof(float);
  const FloatCounts floats = layout.float_counts(layout.shard(shard));
  std::vector<std::vector<float>> all;
  for (std::size_t which = 0; which <= manifest_.states.size(); ++which) all.push_back(values(step, which));
  ShardValues values{
      .parameters = std::span<const float>(all[0]).subspan(begin, floats.total()), .states = {}, .others = {}};
  for (std::size_t which = 1; which < all.size(); ++which) {
    values.states.push_back(std::span<const float>(all[which]).subspan(begin, floats.optimized));
  }
  const std::vector<std::uint8_t> counted = other(step);
  if (shard == 0) {
    values.others = {{"bn.num_batches_tracked", ElementType::int64, {}, std::as_bytes(std::span(counted))}};
  }
  CheckpointWriter(directory, step, run, layout).write_shard(shard, values);
}

std::filesystem::path SampleModel::write(const std::filesystem::path& directory, std::int64_t step, std::size_t shards,
                                         const std::string& run) const {
  for (std::size_t shard = 0; shard < shards; ++shard) write_shard(directory, step, shard, shards, run);
  const BucketLayout layout = this->layout(shards);
  const CheckpointWriter writer(directory, step, run, layout);
  writer.write_manifest(manifest_);
  return writer.folder();
}

}  // namespace runnel::test
