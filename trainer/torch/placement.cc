// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/placement.h"

#include <filesystem>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/launch/stop_signals.h"
#include "trainer/torch/torch_cuda.h"
#include "transport/log.h"

namespace runnel {
namespace {

RunError absent(const DeviceName& wanted, const std::string& key, const std::string& why) {
  return {ExitStatus::bad_configuration,
          "key '" + key + "': expected a device of this host, found \"" + wanted.to_string() + "\", but " + why};
}

/// Warns that "auto" does not use this host's GPUs.
void warn_of_cpu(const std::string& key, const std::string& reason) {
  log_warning("key '" + key + "': \"auto\" uses the CPU: " + reason);
}

}  // namespace

DeviceId place(const DeviceName& wanted, const std::string& key, int process, const CudaFound& found) {
  if (wanted.is_cpu() || (wanted.is_auto() && found.devices == 0)) return DeviceId::cpu();
  if (found.devices == 0) throw absent(wanted, key, found.reason + "; or use \"cpu\" or \"auto\"");
  const int index = wanted.index().value_or(process % found.devices);
  if (index < found.devices) return DeviceId::cuda(index);
  throw absent(wanted, key,
               "it shows " + std::to_string(found.devices) + " of them; use a smaller number, \"cuda\" or \"auto\"");
}

DeviceId select_device(const DeviceName& wanted, const std::string& key, int process) {
  return place(wanted, key, process, wanted.is_cpu() ? CudaFound() : find_cuda());
}

c10::Device torch_device(const DeviceId& id) {
  if (id.is_cpu()) return c10::DeviceType::CPU;
  return {c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(id.index().value())};
}

StartedDevice start_device(const Config& config, int rank, int process) {
  const auto generators = static_cast<int>(config.generator.count);
  if (rank < generators) {
    return start_device(config.generator.device, "generator.device", process, /*computes=*/false);
  }
  const DeviceName& wanted = config.trainer.device_of(static_cast<std::size_t>(rank - generators));
  return start_device(wanted, "trainer.device", process, /*computes=*/true);
}

StartedDevice start_device(const DeviceName& wanted, const std::string& key, int process, bool computes) {
  const DeviceId id = select_device(wanted, key, process);
  if (id.is_cpu()) {
    if (wanted.is_auto() && std::filesystem::exists("/proc/driver/nvidia")) warn_of_cpu(key, find_cuda().reason);
    return {id, nullptr};
  }
  // CUDA starts threads: none of them may take a signal that ends the run.
  const BlockedStopSignals blocked;
  try {
    auto device = open_cuda(id.index().value());
    device->bind_thread();
    if (computes || wanted.is_auto()) load_torch_cuda(torch_device(id));
    return {id, std::move(device)};
  } catch (const RunError& error) {
    if (!wanted.is_auto() || error.status() != ExitStatus::bad_configuration) throw;
    warn_of_cpu(key, error.what());
    return {DeviceId::cpu(), nullptr};
  }
}

}  // namespace runnel
