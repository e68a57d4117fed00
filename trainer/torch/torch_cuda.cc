// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/torch_cuda.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/base/run_error.h"
#include "trainer/torch/torch_error.h"

namespace runnel {
namespace {

/// The folder of libtorch_cpu.so.
std::filesystem::path torch_folder() {
  Dl_info info{};
  dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info);
  return std::filesystem::path(info.dli_fname).parent_path();
}

void compute_the_same_bits_again() {
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

}  // namespace

void load_torch_cuda(c10::Device gpu) {
  // With this cuBLAS always splits a product in the same way; it reads the variable when it starts.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  const std::string library = torch_folder() / "libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw RunError(ExitStatus::bad_configuration,
                   std::string("LibTorch cannot compute on a GPU: ") + dlerror() +
                       "; cmake/install-deps.sh --cuda installs what it needs, or build with a LibTorch for CUDA: "
                       "-DLibTorch_ROOT=DIR");
  }
  try {
    compute_the_same_bits_again();
    c10::impl::VirtualGuardImpl(gpu.type()).setDevice(gpu);
    at::empty({1}, at::device(gpu));
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) throw;  // the GPU exists, but its memory is in use
    throw RunError(ExitStatus::bad_configuration, "LibTorch cannot compute on " + gpu.str() + ": " + line_of(error) +
                                                      "; install a driver for its CUDA, build with another LibTorch "
                                                      "(-DLibTorch_ROOT=DIR), or use the device \"cpu\"");
  }
}

}  // namespace runnel
