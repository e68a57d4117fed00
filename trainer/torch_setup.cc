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
  // From the heap, not from a mapping of its own: whatever is smaller than this, and no activation is larger.
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  // The heap's top stays ours.
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  // And grows in steps, not by each tensor.
  constexpr int kGrowthBytes = 64 << 20;
  mallopt(M_TOP_PAD, kGrowthBytes);
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
  throw RunError(ExitStatus::os_limit, key + ": expected a device of this machine, found \"" + wanted +
                                           "\", and this build of runnel has no CUDA; use \"cpu\" or \"auto\"");
}

}  // namespace runnel
