// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transport/memory_kind.h"

namespace runnel {

/// What a peer needs to reach a slab: its kind, place and UCX's packed key. Travels once, during bootstrap, as the wire
/// record described in transport/README.md.
struct RegionDescriptor {
  MemoryKind kind = MemoryKind::host;
  std::uint64_t base = 0;    ///< address in the owner's process
  std::uint64_t length = 0;  ///< bytes
  std::vector<std::byte> packed_key;

  bool operator==(const RegionDescriptor&) const = default;
};

std::vector<std::byte> encode(const RegionDescriptor& descriptor);

/// Reads a record that fills `record` exactly. Throws `TransportError` (invalid, naming the field) unless length,
/// magic, version, checksum and every field are right: UCX crashes on a damaged key, so none reaches it.
RegionDescriptor decode_region_descriptor(std::span<const std::byte> record);

}  // namespace runnel
