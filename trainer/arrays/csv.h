// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/arrays/array.h"

namespace runnel {

/// Columns of a CSV file with a header line, as arrays [rows] of `type`, float32 or float64: those called `names`, in
/// that order; without any, all, in the order of the file.
///
/// Cells of these columns are finite decimal numbers, also in quotes, rounded once to `type`; cells of other columns
/// are not looked at. Lines end with LF or CR LF; empty lines are allowed at the end. Takes at most four times the
/// file's size in memory, besides room to grow. Throws `RunError` with the path: input_missing when the file cannot be
/// opened, bad_data with line and column for everything else.
std::vector<Array> read_csv(const std::filesystem::path& path, const std::vector<std::string>& names = {},
                            ElementType type = ElementType::float32);

/// The same for `text`, all or the first rows of such a file. `place` is how messages begin.
std::vector<Array> parse_csv(std::string_view text, const std::string& place,
                             const std::vector<std::string>& names = {}, ElementType type = ElementType::float32);

/// The columns of each of `groups` as one array [rows, columns] of float32, called as the first of them. The groups are
/// not empty, and no name is in two of them, or in one twice. The memory is that of the arrays, besides room to grow.
/// Throws as `read_csv`.
std::vector<Array> read_csv_tables(const std::filesystem::path& path,
                                   const std::vector<std::vector<std::string>>& groups);

/// Throws as `read_csv` for a row of `text` that has not as many cells as the header; looks at no number.
void check_csv_rows(std::string_view text, const std::string& place);

/// The names of the columns, in the order of the file. Throws `RunError` as `read_csv`.
std::vector<std::string> names_in_csv(const std::filesystem::path& path);

}  // namespace runnel
