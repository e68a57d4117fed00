// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "runtime/config/config.h"
#include "runtime/device/device_module.h"

namespace runnel {

/// The device, "cpu" or "cuda:K", that a process takes for `wanted`: a value of the configuration's `key`.
///
/// `process` counts the processes of a host by their ranks, from 0; `found` is what this host has. "auto" and "cuda"
/// deal the host's GPUs to its processes, round after round; generators are the first ranks, so they come first. "auto"
/// is the CPU where there is no GPU. A function of its arguments. Throws `RunError` (78) for a GPU that is not there.
std::string place(const std::string& wanted, const std::string& key, int process, const CudaFound& found);

/// The same for a process of this host. Loads CUDA unless "cpu" is wanted.
std::string select_device(const std::string& wanted, const std::string& key, int process);

struct StartedDevice {
  std::string name;                ///< as of place()
  std::unique_ptr<Device> device;  ///< null for "cpu"
};

/// The device that `config` gives to `rank` of a job, the process of number `process` on this host. As below.
StartedDevice start_device(const Config& config, int rank, int process);

/// Selects the device of a process of this host, and starts it for the calling thread; for a process that `computes`,
/// LibTorch's half for GPUs as well. Where that cannot be had, "auto" is the CPU, and a warning says why: in every
/// process, so that those of a job stay together. Before anything else is asked of LibTorch. Throws as select_device(),
/// `open_cuda` and load_torch_cuda().
StartedDevice start_device(const std::string& wanted, const std::string& key, int process, bool computes);

}  // namespace runnel
