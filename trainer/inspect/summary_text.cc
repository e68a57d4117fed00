// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/summary_text.h"

#include "runtime/base/joined.h"
#include "trainer/inspect/shown_text.h"

namespace runnel {
namespace {

using Line = std::vector<std::string>;

constexpr std::size_t kCellBytes = 24;

std::string range_text(const NumberRange& range) {
  std::string text;
  if (range.finite > 0) {
    text = number_text(range.min) + " to " + number_text(range.max) + ", mean " + number_text(range.mean);
    if (range.whole) text += ", whole numbers";
  } else {
    text = range.elements == 0 ? "no elements" : "no finite numbers";
  }
  if (range.nan > 0) text += ", " + std::to_string(range.nan) + " NaN";
  if (range.infinite > 0) text += ", " + std::to_string(range.infinite) + " infinite";
  if (range.read < range.elements) {
    text += "; of " + std::to_string(range.read) + " of " + std::to_string(range.elements) + " elements";
  }
  return text;
}

std::string arrays_text(const std::vector<ArraySummary>& arrays) {
  std::vector<Line> lines;
  for (const ArraySummary& array : arrays) {
    lines.push_back({shown(array.name), std::string(name_of(array.type)), shape_text(array.shape),
                     array.range ? range_text(*array.range) : ""});
  }
  return aligned(lines, /*on_the_right=*/false);
}

std::string tensors_text(const FileSummary& summary) {
  std::vector<Line> lines;
  const auto add = [&](const std::string& kind, const std::vector<TensorSummary>& tensors) {
    for (const TensorSummary& tensor : tensors) {
      lines.push_back({kind, shown(tensor.name), std::string(name_of(tensor.type)), tensor.shape});
    }
  };
  add("input", summary.inputs);
  add("output", summary.outputs);
  return aligned(lines, /*on_the_right=*/false);
}

std::string images_text(const ArraySummary& array, Drawing drawing) {
  std::string text;
  const auto layout = image_layout(array.type, array.shape);
  for (std::size_t i = 0; i < array.samples.size(); ++i) {
    text += "\n" + shown(array.name) + "[" + std::to_string(i) + "]\n" +
            draw_image(array.samples[i], *layout, array.type, drawing);
  }
  return text;
}

/// How many numbers a sample of the array has.
std::size_t sample_elements(const ArraySummary& array) {
  std::size_t elements = 1;
  for (std::size_t i = 1; i < array.shape.size(); ++i) elements *= static_cast<std::size_t>(array.shape[i]);
  return elements;
}

/// Samples of one number on one line, others on a line each.
std::string numbers_text(const ArraySummary& array) {
  std::vector<Line> lines;
  bool single = true;
  for (const auto& sample : array.samples) {
    lines.emplace_back();
    for (const double number : sample) lines.back().push_back(number_text(number));
    if (array.shape.size() > 1 && sample.size() < sample_elements(array)) lines.back().emplace_back("…");
    single &= sample.size() == 1;
  }
  if (!single) return "\n" + shown(array.name) + "\n" + aligned(lines, /*on_the_right=*/true);
  return "\n" + shown(array.name) + ": " + joined(lines, " ", [](const Line& line) { return line.front(); }) + "\n";
}

std::string table_text(const std::vector<Line>& rows) {
  std::vector<Line> cells;
  for (const Line& row : rows) {
    cells.emplace_back();
    for (const std::string& cell : row) cells.back().push_back(shown(cell, kCellBytes));
  }
  return "\n" + aligned(cells, /*on_the_right=*/true);
}

}  // namespace

std::string summary_text(const FileSummary& summary, Drawing drawing) {
  std::string text = shown(summary.path.string()) + ": " + summary.format + "\n";
  text += arrays_text(summary.arrays) + tensors_text(summary);
  for (const std::string& note : summary.notes) text += "  " + shown(note, 1000) + "\n";
  for (const ArraySummary& array : summary.arrays) {
    if (!array.samples.empty()) text += array.is_image ? images_text(array, drawing) : numbers_text(array);
  }
  if (summary.rows.size() > 1) text += table_text(summary.rows);
  return summary.configuration.empty() ? text : text + "\n" + summary.configuration;
}

}  // namespace runnel
