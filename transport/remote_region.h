// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/endpoint.h"
#include "transport/memory_access.h"
#include "transport/memory_kind.h"
#include "transport/region_descriptor.h"
#include "transport/ucx_handle.h"

namespace runnel {

/// Whether a peer's slab on the same host is mapped into this process.
enum class MappingPolicy : std::uint8_t { when_possible, never };

/// A peer's slab as seen from here: an unpacked key and, where the policy and the transports allow it, the slab itself
/// mapped into this process.
///
/// A cheap value: copies share the key. Does not outlive the worker. Thread: the worker's; mapped bytes are plain
/// memory, or of a GPU that this process's device reaches.
class RemoteRegion {
 public:
  /// `access` reads and writes what is mapped of memory that is not the host's: memory of another kind is mapped only
  /// with one, which outlives the region. Throws `TransportError` when UCX cannot unpack the key.
  RemoteRegion(Endpoint& endpoint, const RegionDescriptor& descriptor, MappingPolicy policy,
               MemoryAccess* access = nullptr);

  /// The peer's bytes, for loads and stores in place, by what reaches their kind of memory; empty when they are not
  /// mapped. They stay readable and writable after the owner's death, so a mapping alone says nothing about the peer.
  std::span<std::byte> mapped() const { return mapped_; }
  bool is_mapped() const { return !mapped_.empty(); }

  /// Copies `target.size()` mapped bytes from `offset` on to the host's memory. Complete on return.
  void read(std::size_t offset, std::span<std::byte> target) const;

  /// Whether `bytes` at `offset` lie inside the region.
  bool contains(std::size_t offset, std::size_t bytes) const { return offset <= length_ && bytes <= length_ - offset; }

  std::size_t length() const { return length_; }
  MemoryKind kind() const { return kind_; }
  Endpoint& endpoint() const { return *endpoint_; }

  /// The address of `offset` in the peer's process.
  std::uint64_t address(std::size_t offset) const { return base_ + offset; }
  const UcpRkeyHandle& key() const { return key_; }

 private:
  Endpoint* endpoint_;
  UcpRkeyHandle key_;
  std::uint64_t base_;
  std::size_t length_;
  MemoryKind kind_;
  MemoryAccess* access_;
  std::span<std::byte> mapped_;
};

}  // namespace runnel
