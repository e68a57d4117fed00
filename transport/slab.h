// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "transport/context.h"
#include "transport/memory_access.h"
#include "transport/memory_kind.h"
#include "transport/region_descriptor.h"
#include "transport/ucx_handle.h"

namespace runnel {

/// The unit in which memory is laid out for peers: bells and park words own one line each, so that no two writers share
/// a cache line.
inline constexpr std::size_t kLineBytes = 64;

/// A region of this process's memory that peers may read and write, registered once. Tensors are views into it.
///
/// Only memory that UCX allocated can be mapped by peers on the same host, hence the two ways to make one. Moves, does
/// not copy. Outlives the endpoints whose operations use it. Thread: any, one at a time; the bytes are plain memory, or
/// where the kind is another than host, addresses that only that kind's device and `read` and `write` may use.
class Slab {
 public:
  /// Allocates and registers zeroed host memory, in shared memory where the context uses it; `bytes` is rounded up to
  /// whole pages. Every page is touched, so that a shortage shows here and not as SIGBUS in a step.
  ///
  /// Throws `TransportError`: out_of_memory when shared memory is short, with needed and free bytes; invalid for 0
  /// bytes.
  static Slab allocate(Context& context, std::size_t bytes);

  /// Registers host memory that belongs to somebody else, who keeps it alive as long as the slab.
  ///
  /// Throws `TransportError`: invalid for 0 bytes.
  static Slab register_memory(Context& context, std::span<std::byte> memory);

  /// The same for memory of `kind`, which `access` reads and writes.
  ///
  /// Throws also `TransportError` (unsupported) when UCX takes the memory for another kind: one without CUDA would
  /// register addresses of a GPU as the host's, and crash in a transfer.
  static Slab register_memory(Context& context, std::span<std::byte> memory, MemoryKind kind, MemoryAccess& access);

  Slab(Slab&& other) noexcept;
  Slab& operator=(Slab&& other) noexcept;
  ~Slab();

  std::span<std::byte> bytes() const { return bytes_; }
  MemoryKind kind() const { return kind_; }

  /// Copies `target.size()` bytes from `offset` on to the host's memory, or from there. Complete on return; not for a
  /// step, in which tensors stay where they are.
  void read(std::size_t offset, std::span<std::byte> target) const;
  void write(std::size_t offset, std::span<const std::byte> source) const;

  /// Of memory that is not the host's; else null.
  MemoryAccess* access() const { return access_; }

  /// What a peer needs to reach this slab; valid as long as the slab lives.
  RegionDescriptor descriptor() const;

  /// Whether `part` lies inside the slab.
  bool contains(std::span<const std::byte> part) const;

  ucp_mem_h handle() const { return handle_; }

 private:
  Slab(Context& context, std::span<std::byte> bytes, MemoryKind kind, MemoryAccess* access, ucp_mem_h handle);

  Context* context_ = nullptr;
  std::span<std::byte> bytes_;
  MemoryKind kind_ = MemoryKind::host;
  MemoryAccess* access_ = nullptr;
  ucp_mem_h handle_ = nullptr;
};

}  // namespace runnel
