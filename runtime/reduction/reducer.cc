// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/reducer.h"

#include "runtime/reduction/device_reducer.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {

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
