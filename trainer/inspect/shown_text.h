// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// `text`, which may be any bytes, fit for a terminal: control characters and bytes that are no UTF-8 become `\xNN`.
std::string shown(std::string_view text, std::size_t most_bytes = 200);

/// A number without digits that say nothing: "7", "0.1307", "1.5e-07".
std::string number_text(double number);

/// Lines of cells, each column as wide as its widest cell, with two spaces before each. Columns of numbers are on the
/// right. Empty cells at the end of a line are left out.
std::string aligned(const std::vector<std::vector<std::string>>& lines, bool on_the_right);

}  // namespace runnel
