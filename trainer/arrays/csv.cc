// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/arrays/csv_header.h"

namespace runnel {
namespace {

std::string shown(std::string_view text) {
  return "\"" + printable(text.substr(0, valid_utf8_bytes(text))) + "\"";
}

/// The number that `text` is from end to end. One too small for `Number` is 0 or a subnormal one, as in Python; one too
/// large is infinite.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc()) return number;
  const std::string terminated(text);
  if constexpr (std::is_same_v<Number, float>) {
    return std::strtof(terminated.c_str(), nullptr);
  } else {
    return std::strtod(terminated.c_str(), nullptr);
  }
}

/// Reads the rows after the header into columns.
template <class Number>
class RowReader {
 public:
  using Column = std::shared_ptr<std::vector<Number>>;

  /// `columns`: one for each name of the header, null for those that are not wanted; the numbers of a row are appended
  /// to them in the order of the file.
  RowReader(std::string_view text, const CsvHeader& header, std::span<const Column> columns, const std::string& place)
      : text_(text),
        position_(header.bytes),
        line_(header.lines + 1),
        header_(header),
        columns_(columns),
        place_(place) {}

  void read_all() {
    while (!at_blank_end()) read_row();
  }

 private:
  /// Whether nothing but empty lines is left.
  bool at_blank_end() const {
    return position_ == text_.size() || ((text_[position_] == '\n' || text_[position_] == '\r') &&
                                         text_.find_first_not_of("\r\n", position_) == text_.npos);
  }

  void read_row() {
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (column > 0) begin_cell(column);
      if (columns_[column]) {
        columns_[column]->push_back(read_number(column));
      } else {
        skip_cell();
      }
    }
    end_row();
  }

  void begin_cell(std::size_t column) {
    if (position_ == text_.size() || text_[position_] != header_.delimiter) refuse_row(std::to_string(column));
    ++position_;
  }

  void end_row() {
    if (position_ == text_.size()) return;
    if (text_[position_] == header_.delimiter) refuse_row("more");
    position_ += text_[position_] == '\r' ? 1 : 0;
    position_ += position_ < text_.size() ? 1 : 0;
    ++line_;
  }

  void skip_spaces(std::size_t& position) const {
    const auto is_space = [&](char character) {
      return character == ' ' || (character == '\t' && header_.delimiter != '\t');
    };
    while (position < text_.size() && is_space(text_[position])) ++position;
  }

  Number read_number(std::size_t column) {
    std::size_t begin = position_;
    skip_spaces(begin);
    Number number = 0;
    const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + text_.size(), number);
    auto behind = static_cast<std::size_t>(end - text_.data());
    skip_spaces(behind);
    const bool usual = error == std::errc() && std::isfinite(number);
    if (!usual || !ends_csv_cell(text_, behind, header_.delimiter)) return read_unusual_number(column);
    position_ = behind;
    return number;
  }

  /// In quotes, with a plus sign, or no number.
  Number read_unusual_number(std::size_t column) {
    const std::size_t begin = position_, line = line_;
    skip_cell();
    const std::string_view cell = trimmed_csv_cell(text_.substr(begin, position_ - begin), header_.delimiter);
    const bool quoted = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
    std::string_view digits = quoted ? trimmed_csv_cell(cell.substr(1, cell.size() - 2), header_.delimiter) : cell;
    if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
    const auto number = number_of<Number>(digits);
    if (number && std::isfinite(*number)) return *number;
    line_ = line;
    refuse_cell(column, cell);
  }

  void skip_cell() {
    if (position_ < text_.size() && text_[position_] == '"') skip_quotes();
    position_ = end_of_csv_cell(text_, position_, header_.delimiter);
  }

  void skip_quotes() {
    const std::size_t end = end_of_csv_quotes(text_, position_);
    if (end == text_.npos) refuse("expected a closing quote, found the end of the file");
    line_ += static_cast<std::size_t>(std::ranges::count(text_.substr(position_, end - position_), '\n'));
    position_ = end;
  }

  [[noreturn]] void refuse_row(const std::string& found) const {
    refuse("expected " + std::to_string(columns_.size()) + " cells, as the header has, found " + found);
  }

  [[noreturn]] void refuse_cell(std::size_t column, std::string_view cell) const {
    const bool has_comma = cell.find(',') != cell.npos && cell.find_first_not_of("-+.,0123456789\"") == cell.npos;
    refuse("column " + shown(header_.names[column]) + ": expected a finite number, found " +
           (cell.empty() ? "an empty cell; fill it, or remove the line" : shown(cell)) +
           (has_comma ? "; write decimals with a point" : ""));
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, place_ + ": line " + std::to_string(line_) + ": " + what);
  }

  std::string_view text_;
  std::size_t position_;
  std::size_t line_;
  const CsvHeader& header_;
  std::span<const Column> columns_;
  const std::string& place_;
};

/// Positions of `wanted` among the names of the header.
std::vector<std::size_t> find_columns(const CsvHeader& header, const std::vector<std::string>& wanted,
                                      const std::string& place) {
  std::multimap<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < header.names.size(); ++i) places.emplace(header.names[i], i);
  std::vector<std::size_t> found;
  for (const std::string& name : wanted) {
    const auto [first, last] = places.equal_range(name);
    if (first != last && std::next(first) == last) {
      found.push_back(first->second);
      continue;
    }
    std::string known;
    for (const std::string& other : header.names) known += (known.empty() ? "" : ", ") + other;
    throw RunError(ExitStatus::bad_data, place + ": line 1: expected one column " + shown(name) + ", found " +
                                             (first == last ? "none" : "several") + " among " + printable(known, 300));
  }
  return found;
}

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

using Group = std::vector<std::size_t>;  // positions in the header

/// Brings the numbers of each row, which are in the order of the file, into that of `group`.
template <class Number>
void reorder_rows(std::vector<Number>& table, const Group& group) {
  Group in_file = group;
  std::ranges::sort(in_file);
  if (in_file == group) return;
  Group places;  // of each column of `group` in a row of the table
  for (const std::size_t column : group) {
    places.push_back(static_cast<std::size_t>(std::ranges::lower_bound(in_file, column) - in_file.begin()));
  }
  std::vector<Number> row(group.size());
  for (auto first = table.begin(); first != table.end(); first += static_cast<std::ptrdiff_t>(row.size())) {
    std::copy_n(first, row.size(), row.begin());
    std::ranges::transform(places, first, [&](std::size_t place) { return row[place]; });
  }
}

/// An array [rows, columns] for each group. No column is in two of them.
template <class Number>
std::vector<Array> read_groups(std::string_view text, const CsvHeader& header, const std::vector<Group>& groups,
                               ElementType type, const std::string& place) {
  std::vector<typename RowReader<Number>::Column> columns(header.names.size());
  for (const Group& group : groups) {
    const auto table = std::make_shared<std::vector<Number>>();
    for (const std::size_t column : group) columns[column] = table;
  }
  RowReader<Number>(text, header, columns, place).read_all();
  std::vector<Array> arrays;
  for (const Group& group : groups) {
    const auto& table = columns[group.front()];
    reorder_rows(*table, group);
    const auto rows = static_cast<std::int64_t>(table->size() / group.size());
    arrays.push_back({header.names[group.front()],
                      type,
                      {rows, static_cast<std::int64_t>(group.size())},
                      std::as_bytes(std::span(*table)),
                      table});
  }
  return arrays;
}

}  // namespace

std::vector<Array> read_csv(const std::filesystem::path& path, const std::vector<std::string>& names,
                            ElementType type) {
  const MappedFile file(path);
  advise(file.bytes(), Access::front_to_back);
  return parse_csv(text_of(file), path.string(), names, type);
}

std::vector<Array> parse_csv(std::string_view text, const std::string& place, const std::vector<std::string>& names,
                             ElementType type) {
  const CsvHeader header = read_csv_header(text, place);
  const auto wanted = find_columns(header, names.empty() ? header.names : names, place);
  std::vector<Group> groups;
  for (const std::size_t column : wanted) groups.push_back({column});
  const auto read = type == ElementType::float64 ? read_groups<double> : read_groups<float>;
  std::vector<Array> columns = read(text, header, groups, type, place);
  for (Array& column : columns) column.shape.pop_back();
  return columns;
}

std::vector<Array> read_csv_tables(const std::filesystem::path& path,
                                   const std::vector<std::vector<std::string>>& groups) {
  const MappedFile file(path);
  advise(file.bytes(), Access::front_to_back);
  const CsvHeader header = read_csv_header(text_of(file), path.string());
  std::vector<Group> found;
  for (const auto& names : groups) found.push_back(find_columns(header, names, path.string()));
  return read_groups<float>(text_of(file), header, found, ElementType::float32, path.string());
}

void check_csv_rows(std::string_view text, const std::string& place) {
  const CsvHeader header = read_csv_header(text, place);
  const std::vector<RowReader<float>::Column> none(header.names.size());
  RowReader<float>(text, header, none, place).read_all();
}

std::vector<std::string> names_in_csv(const std::filesystem::path& path) {
  const MappedFile file(path);
  return read_csv_header(text_of(file), path.string()).names;
}

}  // namespace runnel
