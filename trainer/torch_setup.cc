// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch_setup.h"

#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/version.h>

#include <limits>

#include "runtime/exit_status.h"

namespace runnel {

void keep_freed_memory() {
  // Everything below this size comes from the heap, not from a mapping of its own.
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  // The heap's top stays ours: -1 is "never give back".
  mallopt(M_TRIM_THRESHOLD, -1);
  // And it grows in large steps, not with each tensor.
  constexpr int kGrowthBytes = 64 << 20;
  mallopt(M_TOP_PAD, kGrowthBytes);
}

void release_freed_memory() {
  malloc_trim(0);
}

void set_torch_threads(std::int64_t threads) {
  at::set_num_threads(static_cast<int>(threads));
}

std::string torch_version() {
  return TORCH_VERSION;
}

std::string select_device(const std::string& wanted, const std::string& key) {
  if (wanted == "auto" || wanted == "cpu") {
    return "cpu";
  }
  throw RunError(ExitStatus::bad_configuration,
                 "key '" + key + "': expected a device of this machine, found \"" + wanted +
                     "\", and this build of runnel has no CUDA; use \"cpu\" or \"auto\"");
}

}  // namespace runnel
