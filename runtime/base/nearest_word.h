// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>

namespace runnel {

/// The candidate with the fewest typing errors in `text`: insertions, deletions, replacements and transpositions of
/// neighbours, at most one for every three characters of `text`. Where no candidate is that close, the first one that
/// begins with `text`; empty when there is none.
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace runnel
