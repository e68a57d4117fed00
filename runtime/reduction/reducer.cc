// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/reducer.h"

#include <cassert>
#include <utility>

#include "runtime/reduction/device_reducer.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {

Reducer::Reducer(FloatCounts floats, const OptimizerConfig& config, SumTree tree, BufferRule buffers)
    : floats_(floats),
      tree_(std::move(tree)),
      share_(config.reduce == ReduceKind::mean ? 1.0F / static_cast<float>(tree_.seats()) : 1.0F),
      clip_norm_(config.clip_norm),
      rule_(make_update_rule(config)),
      buffers_(buffers) {
  assert(floats.averaged == 0 || floats.optimized % kBlockFloats == 0);
}

bool Reducer::averages(ByteRange bucket) const {
  const std::size_t averaged_begin = floats_.optimized * sizeof(float);
  assert(bucket.begin % kBlockBytes == 0 && bucket.end <= floats_.total() * sizeof(float));
  assert(bucket.end <= averaged_begin || bucket.begin >= averaged_begin);
  return bucket.begin >= averaged_begin;
}

void Reducer::begin_step(double lr, std::int64_t step, const float* in, float* out,
                         std::span<const float* const> gradients) {
  assert(gradients.size() == tree_.shares());
  rule_->begin_step(lr, step);
  in_ = in;
  out_ = out;
  gradients_ = gradients;
}

std::unique_ptr<Reducer> make_reducer(const Config& config, FloatCounts floats, Device* device, DeviceStream* stream,
                                      std::vector<std::span<float>> states) {
  SumTree tree(deal_seats(static_cast<std::size_t>(config.trainer.seat_count()),
                          static_cast<std::size_t>(config.trainer.count)));
  if (device != nullptr) {
    return std::make_unique<DeviceReducer>(*device, *stream, floats, config.optimizer, std::move(tree),
                                           config.model.buffers);
  }
  return std::make_unique<HostReducer>(floats, config.optimizer, static_cast<std::size_t>(config.generator.threads),
                                       std::move(tree), config.model.buffers, std::move(states));
}

}  // namespace runnel
