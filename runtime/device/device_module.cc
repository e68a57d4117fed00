// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/device/device_module.h"

#include <dlfcn.h>

#include "runtime/base/run_error.h"
#include "runtime/device/cuda_abi.h"

namespace runnel {
namespace {

struct Loaded {
  const CudaModule* module = nullptr;
  std::string reason;  // why it is not loaded
};

#ifdef RUNNEL_CUDA_MODULE
// It stays loaded: CUDA cannot be taken out of a process.
Loaded load() {
  void* const library = dlopen(RUNNEL_CUDA_MODULE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return {nullptr, "the module of runnel for CUDA cannot be loaded: " + std::string(dlerror()) +
                         "; keep it where the build or the install put it, or name its folder in LD_LIBRARY_PATH"};
  }
  const auto* const module = static_cast<const CudaModule*>(dlsym(library, kCudaModuleSymbol));
  if (module == nullptr || module->abi != kCudaModuleAbi) {
    return {nullptr, RUNNEL_CUDA_MODULE " is of another build than this program; build and install both together"};
  }
  return {module, ""};
}
#else
Loaded load() {
  return {nullptr, "this build of runnel has no CUDA; configure it with -DRUNNEL_CUDA=ON on a machine with CUDA 13"};
}
#endif

const Loaded& loaded() {
  static const Loaded loaded = load();
  return loaded;
}

}  // namespace

CudaFound find_cuda() {
  if (loaded().module == nullptr) return {.devices = 0, .reason = loaded().reason};
  return loaded().module->find();
}

std::unique_ptr<Device> open_cuda(int index) {
  const CudaFound found = find_cuda();
  const std::string name = DeviceId::cuda(index).to_string();
  if (found.devices == 0) throw RunError(ExitStatus::bad_configuration, "there is no " + name + ": " + found.reason);
  if (index < 0 || index >= found.devices) {
    throw RunError(ExitStatus::bad_configuration,
                   "there is no " + name + ": this process sees " + std::to_string(found.devices) +
                       " GPUs, from cuda:0 on; name one of them, or let CUDA_VISIBLE_DEVICES show more");
  }
  return loaded().module->open(index);
}

}  // namespace runnel
