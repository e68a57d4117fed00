// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace runnel {

/// Refuses what is wrong in a file: throws `RunError` (bad_data) with the text "PLACE: byte N: WHAT". `place` is the
/// path, or the path and the member.
[[noreturn]] void refuse_at(const std::string& place, std::uint64_t offset, const std::string& what);

/// The kind of a file that begins with `bytes`, and what to do; else `otherwise`.
std::string found_kind(std::span<const std::byte> bytes, std::string_view convert, const std::string& otherwise);

}  // namespace runnel
