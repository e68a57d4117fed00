// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/reducer.h"

#include <bit>
#include <cassert>

#include "runtime/reduction/device_reducer.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {

Reducer::Reducer(std::size_t float_count, const OptimizerConfig& config, std::size_t virtual_trainers)
    : float_count_(float_count),
      virtual_trainers_(virtual_trainers),
      clip_norm_(config.clip_norm),
      rule_(make_update_rule(config)),
      mean_(config.reduce == ReduceKind::mean) {}

void Reducer::begin_step(double lr, std::int64_t step, const float* in, float* out,
                         std::span<const float* const> gradients) {
  assert(!gradients.empty() && (virtual_trainers_ == 0 || std::has_single_bit(gradients.size())));
  rule_->begin_step(lr, step);
  in_ = in;
  out_ = out;
  gradients_ = gradients;
  if (mean_) share_ = 1.0F / static_cast<float>(virtual_trainers_ > 0 ? virtual_trainers_ : gradients.size());
}

std::unique_ptr<Reducer> make_reducer(const Config& config, std::size_t float_count, Device* device,
                                      DeviceStream* stream) {
  const auto virtual_trainers = static_cast<std::size_t>(config.trainer.virtual_count);
  if (device != nullptr) {
    return std::make_unique<DeviceReducer>(*device, *stream, float_count, config.optimizer, virtual_trainers);
  }
  return std::make_unique<HostReducer>(float_count, config.optimizer,
                                       static_cast<std::size_t>(config.generator.threads), virtual_trainers);
}

}  // namespace runnel
