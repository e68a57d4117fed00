// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace runnel {

/// CRC-32 of IEEE 802.3, as in gzip: finds damage on the way, no forgery. Every wire record of Runnel ends or begins
/// with one.
std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace runnel
