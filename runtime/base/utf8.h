// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runnel {

/// Bytes at the start of `text` that are valid UTF-8 (RFC 3629): `text.size()` when all are.
std::size_t valid_utf8_bytes(std::string_view text);

/// Makes `text`, which is valid UTF-8, fit for one line of a message: control characters, also U+0080 to U+009F, become
/// `\xNN`, and an ellipsis replaces everything after `max_bytes`.
std::string printable(std::string_view text, std::size_t max_bytes = 60);

}  // namespace runnel
