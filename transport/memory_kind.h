// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

namespace runnel {

/// Where memory lives. Everything that names memory carries it; the numbers are part of the wire record.
enum class MemoryKind : std::uint8_t { host = 0, cuda = 1 };

constexpr std::string_view to_string(MemoryKind kind) {
  return kind == MemoryKind::host ? "host" : "cuda";
}

}  // namespace runnel
