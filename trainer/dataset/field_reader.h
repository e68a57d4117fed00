// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/arrays/array.h"
#include "trainer/dataset/field_rule.h"

namespace runnel {

/// Writes rows of an array as its rule wants them. Constant after construction; any thread.
class FieldReader {
 public:
  /// `array` has at least one dimension, and a row the elements that `rule` says. `place` is how messages begin.
  FieldReader(Array array, FieldRule rule, std::string place);

  const Array& array() const { return array_; }
  const FieldRule& rule() const { return rule_; }

  /// Writes `samples`, rows of the array, one after the other into `tensor`: contiguous, in host memory, of the rule's
  /// type. Crops and flips follow from `seed` and the sample: fields with the same padding are changed alike. Throws
  /// `RunError` (bad_data) for an element that the rule cannot take.
  void read(std::span<const std::uint32_t> samples, std::uint64_t seed, const at::Tensor& tensor) const;

 private:
  using Table = std::array<float, 256>;

  void make_tables();
  std::span<const std::byte> row(std::uint32_t sample) const;
  void change(std::span<const std::byte> row, std::uint64_t seed, std::span<std::byte> changed) const;
  void write(std::uint32_t sample, std::span<const std::byte> row, float* to) const;
  void write(std::uint32_t sample, std::span<const std::byte> row, std::int64_t* to) const;
  void write_one_hot(std::uint32_t sample, std::span<const std::byte> row, float* to) const;
  template <class Element>
  void normalize(const std::byte* from, float* to) const;
  [[noreturn]] void refuse(std::uint32_t sample, const std::string& what) const;

  Array array_;
  FieldRule rule_;
  std::string place_;
  std::size_t elements_;       // in a row
  std::vector<Table> tables_;  // by the value of a byte, one for all or one a channel; none for wider elements
};

}  // namespace runnel
