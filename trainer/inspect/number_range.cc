// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/number_range.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/base/mapped_file.h"

namespace runnel {
namespace {

constexpr std::uint64_t kReadInFull = std::uint64_t{256} << 20;
constexpr std::uint64_t kRuns = 1000;
constexpr std::uint64_t kRunElements = 1000;  // of float32: two pages of a file

struct Float16 {
  std::uint16_t bits;
};

struct Bfloat16 {
  std::uint16_t bits;
};

double value_of(Float16 number) {
  const double sign = (number.bits & 0x8000U) != 0 ? -1 : 1;
  const int exponent = number.bits >> 10 & 0x1F;
  const int fraction = number.bits & 0x3FF;
  if (exponent == 0x1F) {
    return sign * (fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN());
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(0x400 | fraction, exponent - 25));
}

double value_of(Bfloat16 number) {
  return std::bit_cast<float>(std::uint32_t{number.bits} << 16);
}

template <class Number>
double value_of(Number number) {
  return static_cast<double>(number);
}

/// Reads an element wherever it lies.
template <class Number>
struct Reader {
  double operator()(const std::byte* at) const {
    Number number;
    std::memcpy(&number, at, sizeof(number));
    return value_of(number);
  }
};

/// Calls `use` with the reader of elements of `type`.
template <class Use>
void with_reader(ElementType type, const Use& use) {
  switch (type) {
    case ElementType::boolean:
    case ElementType::uint8:
      return use(Reader<std::uint8_t>());
    case ElementType::int8:
      return use(Reader<std::int8_t>());
    case ElementType::uint16:
      return use(Reader<std::uint16_t>());
    case ElementType::int16:
      return use(Reader<std::int16_t>());
    case ElementType::uint32:
      return use(Reader<std::uint32_t>());
    case ElementType::int32:
      return use(Reader<std::int32_t>());
    case ElementType::int64:
      return use(Reader<std::int64_t>());
    case ElementType::float16:
      return use(Reader<Float16>());
    case ElementType::bfloat16:
      return use(Reader<Bfloat16>());
    case ElementType::float32:
      return use(Reader<float>());
    case ElementType::float64:
      return use(Reader<double>());
  }
}

/// Adds up what is found, run by run, so that the sum of many small numbers stays exact enough.
class RangeBuilder {
 public:
  template <class Read>
  void add_run(std::span<const std::byte> run, std::size_t width, const Read& read) {
    double sum = 0;
    for (std::size_t at = 0; at < run.size(); at += width) {
      const double number = read(run.data() + at);
      if (!std::isfinite(number)) {
        ++(std::isnan(number) ? range_.nan : range_.infinite);
        continue;
      }
      ++range_.finite;
      sum += number;
      min_ = std::min(min_, number);
      max_ = std::max(max_, number);
      range_.whole &= number == std::trunc(number);
    }
    sum_ += sum;
    range_.read += run.size() / width;
  }

  NumberRange range(std::uint64_t elements) {
    range_.elements = elements;
    if (range_.finite == 0) return range_;
    range_.min = min_;
    range_.max = max_;
    range_.mean = sum_ / static_cast<double>(range_.finite);
    return range_;
  }

 private:
  NumberRange range_;
  double sum_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

NumberRange measure(const Array& array) {
  const std::uint64_t width = bytes_of(array.type), elements = array.bytes.size() / width;
  RangeBuilder builder;
  with_reader(array.type, [&](const auto& read) {
    const auto add = [&](std::uint64_t first, std::uint64_t count) {
      builder.add_run(array.bytes.subspan(first * width, count * width), width, read);
    };
    if (array.bytes.size() <= kReadInFull) {
      for (std::uint64_t i = 0; i < elements; i += kRunElements) add(i, std::min(kRunElements, elements - i));
      return;
    }
    advise(array.bytes, Access::scattered);
    for (std::uint64_t run = 0; run < kRuns; ++run) add((elements - kRunElements) / (kRuns - 1) * run, kRunElements);
  });
  return builder.range(elements);
}

std::vector<double> numbers_of(const Array& array, std::uint64_t first, std::size_t count) {
  const std::size_t width = bytes_of(array.type);
  std::vector<double> numbers;
  with_reader(array.type, [&](const auto& read) {
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(read(array.bytes.data() + (first + i) * width));
  });
  return numbers;
}

}  // namespace runnel
