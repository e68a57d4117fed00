// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/array_dataset.h"

#include <algorithm>
#include <span>
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

/// The rule of each array, whose rows are checked.
std::vector<FieldRule> rules_of(const ArrayPlan& plan) {
  const std::vector<Array>& arrays = *plan.arrays;
  check_rows(arrays, plan.place);
  std::vector<FieldRule> rules;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const FieldRole role = plan.has_target && i + 1 == arrays.size() ? FieldRole::target : FieldRole::input;
    rules.push_back(read_field_rule(plan.options, arrays[i], plan.field_names[i], role, plan.split));
  }
  return rules;
}

/// "uint8 [28, 28] as float32, divided by 255".
std::string sample_text(const Array& array, const FieldRule& rule) {
  return std::string(name_of(array.type)) + ' ' + shape_text(std::span(array.shape).subspan(1)) + " as " +
         (rule.type == at::kFloat ? "float32" : "int64") + (rule.divided_by_255 ? ", divided by 255" : "");
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
  std::vector<FieldRule> rules = rules_of(plan);
  ArrayDataset::Contents contents{.readers = {}, .files = plan.files, .arrays = plan.arrays};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Array& array = (*plan.arrays)[i];
    if (plan.scattered) advise(array.bytes, Access::scattered);
    const std::string place = plan.place + ": array \"" + printable(array.name, 200) + "\"";
    contents.readers.emplace_back(array, std::move(rules[i]), place);
  }
  return std::make_unique<ArrayDataset>(std::move(contents));
}

void require_alike(const ArrayPlan& train, const ArrayPlan& test) {
  const std::vector<FieldRule> rules = rules_of(train), others = rules_of(test);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const FieldRule &rule = rules[i], &other = others[i];
    const bool is_alike =
        rule.type == other.type && rule.shape == other.shape && rule.divided_by_255 == other.divided_by_255;
    if (is_alike) continue;
    const Array &array = (*train.arrays)[i], &found = (*test.arrays)[i];
    throw RunError(ExitStatus::bad_data, test.place + ": array \"" + printable(found.name, 200) +
                                             "\": expected samples as in " + train.place + ", " +
                                             sample_text(array, rule) + ", found " + sample_text(found, other) +
                                             "; save the training and the test data with the same type and shape");
  }
}

}  // namespace runnel
