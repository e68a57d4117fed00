// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>

namespace runnel {

/// The candidate that the fewest slips of the fingers lead to: insertions, deletions, replacements and exchanges of
/// neighbours, at most one for every three characters of `text`. Where none is that near, the first candidate that
/// begins with `text`; empty when there is none either.
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace runnel
