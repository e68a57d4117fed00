// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

/// Settings of a process that uses LibTorch; made once, before the first tensor.
namespace runnel {

/// Keeps freed memory in the process, so that the next step can reuse it.
///
/// By default the C library returns the large activations of each step to the kernel and gets them again, zeroed page
/// by page: two thirds of a step's time at batch 1000. bench/measurements.md, "Memory", has the figures. Memory of a
/// freed tensor fits a new one of the same size.
void keep_freed_memory();

/// Returns memory freed so far to the kernel: for the end of the set-up, which needs other sizes than a step.
void release_freed_memory();

/// Sets LibTorch's thread count. Another count may change the last bits of a result.
void set_torch_threads(std::int64_t threads);

/// Version of the loaded LibTorch, such as "2.11.0".
std::string torch_version();

}  // namespace runnel
