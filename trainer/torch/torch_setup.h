// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

/// Settings of the process that LibTorch computes in; made once, before the first tensor.
namespace runnel {

/// Keeps freed memory in the process, for the next step to use again.
///
/// By default the C library gives the large activations of each step back to the kernel and takes them anew, zeroed
/// page by page: two thirds of a step's time at batch 1000. trainer/README.md, "Memory", has the figures. Tensors get
/// memory in which an equal one fits when they are gone.
void keep_freed_memory();

/// Gives back what was freed so far: for the end of the set-up, whose needs are not those of a step.
void release_freed_memory();

/// Sets LibTorch's thread count. Another count may change the last bits of a result.
void set_torch_threads(std::int64_t threads);

/// Version of the LibTorch that runs, as "2.11.0".
std::string torch_version();

}  // namespace runnel
