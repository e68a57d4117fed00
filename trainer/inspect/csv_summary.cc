// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/csv_summary.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/mapped_file.h"
#include "trainer/arrays/csv.h"
#include "trainer/arrays/csv_header.h"
#include "trainer/inspect/shown_text.h"
#include "trainer/inspect/suggestion.h"

namespace runnel {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t kReadInFull = std::size_t{256} << 20;
constexpr std::size_t kReadOfMore = std::size_t{64} << 20;

/// The cell at `position`, which moves to the cell's end, without its quotes.
std::string read_cell(std::string_view text, std::size_t& position, char delimiter) {
  const std::size_t begin = position;
  const bool begins_quoted = position < text.size() && text[position] == '"';
  const std::size_t quoted = begins_quoted ? end_of_csv_quotes(text, position) : text.npos;
  const bool is_quoted = quoted != text.npos;
  position = end_of_csv_cell(text, is_quoted ? quoted : begin, delimiter);
  if (is_quoted) return unquoted_csv_cell(text.substr(begin, quoted - begin));
  return std::string(trimmed_csv_cell(text.substr(begin, position - begin), delimiter));
}

/// The first rows after the header, at most `count`; of any number of cells.
std::vector<Row> first_rows(std::string_view text, const CsvHeader& header, std::size_t count) {
  std::vector<Row> rows;
  std::size_t position = header.bytes;
  while (rows.size() < count && position < text.size()) {
    Row row = {read_cell(text, position, header.delimiter)};
    while (position < text.size() && text[position] == header.delimiter) {
      row.push_back(read_cell(text, ++position, header.delimiter));
    }
    if (text.substr(position).starts_with('\r')) ++position;
    ++position;
    if (row != Row{""}) rows.push_back(std::move(row));
  }
  return rows;
}

/// Whether column `column` has a number, and nothing else but empty cells, which the reader then refuses.
bool holds_numbers(const std::vector<Row>& rows, std::size_t column) {
  const auto has = [&](const auto& condition) {
    return std::ranges::any_of(rows, [&](const Row& row) { return column < row.size() && condition(row[column]); });
  };
  return has(is_csv_number) && !has([](const std::string& cell) { return !cell.empty() && !is_csv_number(cell); });
}

/// Names of columns.
struct Columns {
  std::vector<std::string> numbers;
  std::vector<std::string> texts;
};

Columns sort_columns(const CsvHeader& header, const std::vector<Row>& rows) {
  Columns columns;
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    (holds_numbers(rows, i) ? columns.numbers : columns.texts).push_back(header.names[i]);
  }
  return columns;
}

std::string quoted_name(const std::string& name) {
  return '"' + shown(name) + '"';
}

/// The text up to the last line end in what is read of it.
std::string_view read_part(std::string_view text) {
  if (text.size() <= kReadInFull) return text;
  return text.substr(0, text.rfind('\n', kReadOfMore) + 1);
}

}  // namespace

FileSummary inspect_csv(const std::filesystem::path& path, const InspectOptions& options) {
  constexpr std::size_t kRowsForTypes = 100;
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const std::string_view part = read_part(text);
  const CsvHeader header = read_csv_header(part, path.string());
  const auto rows = first_rows(part, header, std::max(kRowsForTypes, options.samples));
  const Columns columns = sort_columns(header, rows);
  if (columns.numbers.empty()) {
    throw RunError(ExitStatus::bad_data, path.string() + ": expected a column of numbers, found none in " +
                                             std::to_string(rows.size()) + " rows");
  }
  FileSummary summary{.path = path, .format = "table (CSV)"};
  for (const Array& column : parse_csv(part, path.string(), columns.numbers)) {
    summary.arrays.push_back(summarize(column, {.samples = 0}));
  }
  if (part.size() < text.size()) {
    summary.notes.push_back("read: the rows in the first " + std::to_string(part.size()) + " of " +
                            std::to_string(text.size()) + " bytes");
  }
  if (!columns.texts.empty()) summary.notes.push_back("no numbers in: " + joined(columns.texts, ", ", quoted_name));
  summary.rows.push_back(header.names);
  summary.rows.insert(summary.rows.end(), rows.begin(),
                      rows.begin() + static_cast<std::ptrdiff_t>(std::min(options.samples, rows.size())));
  summary.configuration = suggest_table(path, columns.numbers);
  return summary;
}

}  // namespace runnel
