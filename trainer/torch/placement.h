// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "runtime/base/device_id.h"
#include "runtime/config/config.h"
#include "runtime/device/device_module.h"

namespace runnel {

/// The device that a process uses for `wanted`, the value of the configuration's `key`.
///
/// `process` numbers the processes of a host by rank, from 0; `found` is what this host has. "auto" and "cuda" assign
/// the host's GPUs to its processes round-robin; generators are the first ranks, so they come first. "auto" is the CPU
/// if there is no GPU. Depends on its arguments only. Throws `RunError` (78) for a GPU that does not exist.
DeviceId place(const DeviceName& wanted, const std::string& key, int process, const CudaFound& found);

/// The same for a process of this host. Loads CUDA unless the CPU is wanted.
DeviceId select_device(const DeviceName& wanted, const std::string& key, int process);

/// As LibTorch has it.
c10::Device torch_device(const DeviceId& id);

struct StartedDevice {
  DeviceId id;                     ///< as of place()
  std::unique_ptr<Device> device;  ///< null for the CPU
};

/// The device that `config` assigns to `rank` of a job, process number `process` of this host. Otherwise as below.
StartedDevice start_device(const Config& config, int rank, int process);

/// Selects the device of a process of this host and starts it for the calling thread; for a process that `computes`,
/// loads LibTorch's CUDA libraries as well. If that fails, "auto" becomes the CPU and a warning gives the reason: in
/// every process, so that all of a job decide alike. Must precede any other use of LibTorch. Throws as select_device(),
/// `open_cuda` and load_torch_cuda().
StartedDevice start_device(const DeviceName& wanted, const std::string& key, int process, bool computes);

}  // namespace runnel
