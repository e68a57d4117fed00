// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace runnel {

/// What a worker takes of /dev/shm for itself with the settings of `Context`: two chunks of 32 receive buffers and a
/// queue of 32 entries, 548 864 bytes in UCX 1.19 and 1.22. The rest is room for the words of a CompletionQueue.
inline constexpr std::size_t kWorkerSharedBytes = std::size_t{576} << 10;

/// Where UCX keeps shared memory: /dev/shm, or UCX_POSIX_DIR where that is set.
const char* shared_memory_folder();

/// Free bytes of `folder`; nothing on a machine that does not have it.
std::optional<std::size_t> free_shared_memory(const char* folder = shared_memory_folder());

/// Throws `TransportError` (out_of_memory), with needed and free bytes, when `folder` has fewer than `bytes` free,
/// or cannot be written. `what` needs them: "a slab needs". A machine without the folder passes.
void require_free_shared_memory(std::size_t bytes, std::string_view what, const char* folder = shared_memory_folder());

/// Throws that error after an allocation that failed: what was free before, another process may have taken.
[[noreturn]] void throw_short_of_shared_memory(std::size_t bytes, std::string_view what,
                                               const char* folder = shared_memory_folder());

/// How many bytes of /dev/shm are mapped into this process.
std::size_t mapped_shared_memory();

}  // namespace runnel
