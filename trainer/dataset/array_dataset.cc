// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/array_dataset.h"

#include <algorithm>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/dataset/file_fingerprint.h"

namespace runnel {
namespace {

std::string described(const Array& array) {
  return "\"" + printable(array.name, 200) + "\" " + shape_text(array.shape);
}

void check_rows(const std::vector<Array>& arrays, const std::string& place) {
  constexpr std::int64_t kMostSamples = 0xFFFFFFFF;
  const auto refuse = [&](const std::string& what) { throw RunError(ExitStatus::bad_data, place + ": " + what); };
  for (const Array& array : arrays) {
    if (array.shape.empty()) refuse("expected an array of samples, found the single number " + described(array));
    const bool is_empty = std::ranges::find(array.shape, 0) != array.shape.end();
    if (is_empty || array.shape[0] > kMostSamples) {
      refuse("expected from 1 to 2^32 - 1 samples, none of them empty, found " + described(array));
    }
    if (array.shape[0] != arrays[0].shape[0]) {
      refuse("expected as many samples in all arrays, found " + described(arrays[0]) + " and " + described(array));
    }
  }
}

}  // namespace

ArrayDataset::ArrayDataset(Contents contents) : contents_(std::move(contents)) {
  for (const FieldReader& reader : contents_.readers) fields_.push_back(reader.rule().field());
}

void ArrayDataset::read(std::span<const std::uint32_t> samples, Batch& batch) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) contents_.readers[i].read(samples, batch.seed, batch.fields[i]);
}

std::string ArrayDataset::fingerprint() const {
  return file_fingerprint(contents_.files);
}

std::unique_ptr<Dataset> make_array_dataset(const ArrayPlan& plan) {
  std::vector<Array> arrays = plan.source.read(plan.choice, plan.only_headers);
  check_rows(arrays, plan.place);
  ArrayDataset::Contents contents{.readers = {}, .files = plan.source.files(plan.choice)};
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const bool is_target = !plan.choice.target.empty() && i + 1 == arrays.size();
    if (plan.scattered) advise(arrays[i].bytes, Access::scattered);
    FieldRule rule = read_field_rule(plan.options, arrays[i], plan.field_names[i],
                                     is_target ? FieldRole::target : FieldRole::input, plan.split);
    const std::string place = plan.place + ": array \"" + printable(arrays[i].name, 200) + "\"";
    contents.readers.emplace_back(std::move(arrays[i]), std::move(rule), place);
  }
  return std::make_unique<ArrayDataset>(std::move(contents));
}

}  // namespace runnel
