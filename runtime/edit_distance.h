// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace runnel {

/// ", did you mean 'X'?" with the candidate that the fewest edits lead to, or nothing when none is near: at most one
/// edit for every three characters of `text`.
std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace runnel
