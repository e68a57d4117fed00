// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/csv_summary.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

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
  std::vector<std::string> repeated;  // of several columns, which no configuration can tell apart
};

Columns sort_columns(const CsvHeader& header, const std::vector<Row>& rows) {
  std::map<std::string_view, int> counts;
  for (const std::string& name : header.names) ++counts[name];
  Columns columns;
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    const std::string& name = header.names[i];
    if (counts[name] == 1) (holds_numbers(rows, i) ? columns.numbers : columns.texts).push_back(name);
    if (std::exchange(counts[name], 0) > 1) columns.repeated.push_back(name);
  }
  return columns;
}

/// Adds the columns `names` to `summary`; those that cannot be read as problems. A half of them after the other, so
/// that one wrong column of many takes few passes.
void read_columns(std::string_view text, std::span<const std::string> names, FileSummary& summary) {
  try {
    for (const Array& column : parse_csv(text, summary.path.string(), {names.begin(), names.end()})) {
      summary.arrays.push_back(summarize(column, {.samples = 0}));
    }
    return;
  } catch (const RunError& error) {
    if (names.size() == 1) return summary.problems.push_back(error);
  }
  check_csv_rows(text, summary.path.string());
  read_columns(text, names.first(names.size() / 2), summary);
  read_columns(text, names.subspan(names.size() / 2), summary);
}

std::string quoted_name(const std::string& name) {
  return '"' + shown(name) + '"';
}

void note_columns(const std::string& what, const std::vector<std::string>& names, FileSummary& summary) {
  if (!names.empty()) summary.notes.push_back(what + joined(names, ", ", quoted_name));
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
  read_columns(part, columns.numbers, summary);
  if (summary.arrays.empty()) throw summary.problems.front();
  if (part.size() < text.size()) {
    summary.notes.push_back("read: the rows in the first " + std::to_string(part.size()) + " of " +
                            std::to_string(text.size()) + " bytes");
  }
  note_columns("no numbers in: ", columns.texts, summary);
  note_columns("several columns are called: ", columns.repeated, summary);
  summary.rows.push_back(header.names);
  summary.rows.insert(summary.rows.end(), rows.begin(),
                      rows.begin() + static_cast<std::ptrdiff_t>(std::min(options.samples, rows.size())));
  std::vector<std::string> read;
  for (const ArraySummary& column : summary.arrays) read.push_back(column.name);
  summary.configuration = suggest_table(path, read);
  return summary;
}

}  // namespace runnel
