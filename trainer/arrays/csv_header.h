// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// The first record of a CSV file: names of columns.
struct CsvHeader {
  char delimiter = ',';  ///< ',', ';' or a tab: the most frequent one outside quotes
  std::vector<std::string> names = {};
  std::size_t lines = 0;  ///< that it takes: names in quotes may have line ends
  std::size_t bytes = 0;  ///< with its line end, and the mark of UTF-8 before it
};

/// Reads the header of `text`, all of the file `place`. Names may be in quotes, with doubled quotes inside (RFC 4180);
/// spaces around them do not count. Throws `RunError` (bad_data) when the text is no UTF-8, when all names are numbers,
/// or when there are more than a million.
CsvHeader read_csv_header(std::string_view text, const std::string& place);

/// Whether a cell of `text` ends at `position`: with the delimiter, a line end, or the end of the text. A carriage
/// return ends a cell only at the end of a line.
bool ends_csv_cell(std::string_view text, std::size_t position, char delimiter);

/// The first position from `position` on where a cell ends.
std::size_t end_of_csv_cell(std::string_view text, std::size_t position, char delimiter);

/// The position after the quoted text that begins with the quote at `position`; npos where no quote closes it.
std::size_t end_of_csv_quotes(std::string_view text, std::size_t position);

/// What stands in `quoted`, which begins and ends with a quote: within, two quotes are one.
std::string unquoted_csv_cell(std::string_view quoted);

/// Whether a cell is a number, of any size, from end to end.
bool is_csv_number(std::string_view cell);

/// `text` without the spaces around it; tabs are such, too, where they do not delimit.
std::string_view trimmed_csv_cell(std::string_view text, char delimiter);

}  // namespace runnel
