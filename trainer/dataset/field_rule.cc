// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/field_rule.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "runtime/base/utf8.h"
#include "runtime/config/toml_key.h"

namespace runnel {
namespace {

constexpr double kLargest = 1e30;
constexpr double kLeastDivisor = 1e-30;  // a smaller one may be 0 in float32
constexpr OptionRange<double> kAny = {.min = -kLargest, .max = kLargest};

bool is_float(ElementType type) {
  return type >= ElementType::float16;
}

at::ScalarType default_type(ElementType type, FieldRole role) {
  const bool is_small = type == ElementType::boolean || type == ElementType::uint8;
  return is_float(type) || (is_small && role == FieldRole::input) ? at::kFloat : at::kLong;
}

std::int64_t elements_in(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<std::int64_t> shape_of(const Options& options, const Array& array, const std::string& key) {
  const std::string option = "shape." + key;
  const std::vector<std::int64_t> row(array.shape.begin() + 1, array.shape.end());
  auto shape = options.integers(option, row, {.min = 1, .max = 1 << 28});
  // Not by `elements_in`: the product of sizes that a user gives may overflow.
  if (shape != row && bytes_in_shape(array.type, shape) != bytes_in_shape(array.type, row)) {
    options.fail(option, "sizes of " + std::to_string(elements_in(row)) + " elements, as a sample of " +
                             shape_text(row) + " has");
  }
  return shape;
}

/// Reads `normalize.NAME`: mean and std, or min and max.
class Normalization {
 public:
  Normalization(const Options& options, const FieldRule& rule)
      : options_(options),
        path_("normalize." + toml_key(rule.name) + '.'),
        channels_(rule.shape.empty() ? 1 : rule.shape[0]) {}

  /// Whether it was given. Then sets the members of `rule`.
  bool apply(FieldRule& rule) const {
    const auto mean = numbers("mean", kAny), deviation = numbers("std", {.min = kLeastDivisor, .max = kLargest});
    const auto least = numbers("min", kAny), largest = numbers("max", kAny);
    if (!mean.empty() || !deviation.empty()) {
      require_pair(mean, "mean", deviation, "std");
      if (!least.empty()) options_.fail(path_ + "min", "no min and max with mean and std");
      if (!largest.empty()) options_.fail(path_ + "max", "no min and max with mean and std");
      set(rule, mean, deviation);
      return true;
    }
    if (least.empty() && largest.empty()) return false;
    require_pair(least, "min", largest, "max");
    std::vector<double> range(largest.size());
    std::ranges::transform(largest, least, range.begin(), std::minus<>());
    if (std::ranges::any_of(range, [](double width) { return width < kLeastDivisor; })) {
      options_.fail(path_ + "max", "numbers above those of min, by at least 1e-30");
    }
    set(rule, least, range);
    rule.divided_by_255 = false;
    return true;
  }

 private:
  std::vector<double> numbers(const char* name, const OptionRange<double>& range) const {
    auto numbers = options_.numbers(path_ + name, {}, range);
    const auto count = static_cast<std::int64_t>(numbers.size());
    if (!options_.has(path_ + name) || count == 1 || count == channels_) return numbers;
    options_.fail(path_ + name,
                  "one number, or one for each of " + std::to_string(channels_) + ", the first size of a sample");
  }

  void require_pair(const std::vector<double>& a, const char* name_of_a, const std::vector<double>& b,
                    const char* name_of_b) const {
    if (a.size() == b.size()) return;
    options_.fail(path_ + (a.empty() ? name_of_b : name_of_a),
                  std::string("as many numbers in ") + name_of_a + " as in " + name_of_b);
  }

  static void set(FieldRule& rule, const std::vector<double>& offset, const std::vector<double>& divisor) {
    rule.type = at::kFloat;
    rule.offset = offset;
    rule.divisor = divisor;
  }

  const Options& options_;
  std::string path_;
  std::int64_t channels_;
};

void read_one_hot(const Options& options, const Array& array, bool is_free, FieldRule& rule) {
  const std::string option = "one_hot." + toml_key(rule.name);
  rule.classes = options.integer(option, 0, {.min = 1, .max = 1 << 20});
  if (rule.classes == 0) return;
  if (is_float(array.type))
    options.fail(option, "an array of integers, which \"" + printable(rule.name, 200) + "\" is not");
  if (!is_free) options.fail(option, "no normalize or cast of the same array");
  rule.type = at::kFloat;
  rule.divided_by_255 = false;
}

void read_changes(const Options& options, Split split, FieldRule& rule) {
  const std::string key = toml_key(rule.name), crop = "crop." + key, flip = "flip." + key;
  const std::int64_t padding = options.integer(crop, 0, {.min = 0, .max = 1 << 12});
  const bool flips = options.boolean(flip, false);
  if ((padding > 0 || flips) && rule.shape.size() < 2) {
    options.fail(padding > 0 ? crop : flip, "samples of at least two dimensions, and \"" + printable(rule.name, 200) +
                                                "\" has " + shape_text(rule.shape));
  }
  if (padding > 0 && padding >= *std::min_element(rule.shape.end() - 2, rule.shape.end())) {
    options.fail(crop,
                 "fewer zeros on each side than height and width, the last two sizes of " + shape_text(rule.shape));
  }
  if (split == Split::test) return;
  rule.padding = padding;
  rule.flip = flips;
}

}  // namespace

Dataset::Field FieldRule::field() const {
  Dataset::Field field{.name = name, .type = type, .shape = shape};
  if (classes > 0) field.shape.push_back(classes);
  return field;
}

FieldRule read_field_rule(const Options& options, const Array& array, const std::string& name, FieldRole role,
                          Split split) {
  const std::string key = toml_key(name);
  FieldRule rule{.name = name, .shape = shape_of(options, array, key), .type = default_type(array.type, role)};
  const std::string option = "cast." + key;
  const std::string cast = options.word(option, "", {"float32", "int64"});
  if (!cast.empty()) rule.type = cast == "int64" ? at::kLong : at::kFloat;
  rule.divided_by_255 = cast.empty() && array.type == ElementType::uint8 && role == FieldRole::input;
  const bool normalizes = Normalization(options, rule).apply(rule);
  if (normalizes && cast == "int64") options.fail(option, "no cast to int64 with normalize, which makes float32");
  read_one_hot(options, array, cast.empty() && !normalizes, rule);
  read_changes(options, split, rule);
  return rule;
}

}  // namespace runnel
