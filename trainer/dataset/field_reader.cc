// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/field_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "runtime/config/toml_key.h"
#include "trainer/dataset/element_conversion.h"

namespace runnel {
namespace {

template <class From>
constexpr bool kIsFloat =
    std::is_floating_point_v<From> || std::is_same_v<From, c10::Half> || std::is_same_v<From, c10::BFloat16>;

/// Whether float32 has each value of the type. Others, such as times, would lose what normalization leaves of them.
template <class From>
constexpr bool kFitsFloat = sizeof(From) <= 2 || std::is_same_v<From, float>;

/// The first of `count` elements that is no whole number of int64; `count` when there is none.
template <class From>
std::size_t first_fraction(const std::byte* from, std::size_t count) {
  constexpr double kEnd = 0x1p63;
  std::size_t i = 0;
  if constexpr (kIsFloat<From>) {
    for (; i < count; ++i) {
      const auto value = static_cast<double>(element<From>(from, i));
      if (!(value >= -kEnd && value < kEnd && value == std::trunc(value))) return i;
    }
  }
  return count;
}

/// An image that is shifted by up to `padding`, with zeros beyond its sides, and may be mirrored.
struct Shift {
  std::int64_t down;
  std::int64_t right;
  bool mirrored;
};

Shift draw_shift(const FieldRule& rule, std::uint64_t seed) {
  SplitMix64 random(seed);
  const auto draw = [&] { return random.below(static_cast<std::uint32_t>(2 * rule.padding + 1)) - rule.padding; };
  Shift shift{.down = draw(), .right = draw(), .mirrored = false};
  shift.mirrored = random.below(2) == 1 && rule.flip;
  return shift;
}

void mirror(std::byte* row, std::int64_t columns, std::size_t width) {
  for (std::int64_t left = 0, right = columns - 1; left < right; ++left, --right) {
    std::swap_ranges(row + left * static_cast<std::int64_t>(width), row + (left + 1) * static_cast<std::int64_t>(width),
                     row + right * static_cast<std::int64_t>(width));
  }
}

}  // namespace

FieldReader::FieldReader(Array array, FieldRule rule, std::string place)
    : array_(std::move(array)), rule_(std::move(rule)), place_(std::move(place)), elements_(1) {
  for (const std::int64_t size : rule_.shape) elements_ *= static_cast<std::size_t>(size);
  const bool is_table = rule_.type == at::kFloat && rule_.classes == 0;
  if (is_table && array_.type == ElementType::uint8) make_tables();
}

void FieldReader::make_tables() {
  tables_.resize(std::max<std::size_t>(rule_.offset.size(), 1));
  for (std::size_t channel = 0; channel < tables_.size(); ++channel) {
    for (std::size_t byte = 0; byte < tables_[channel].size(); ++byte) {
      float& value = tables_[channel][byte];
      value = static_cast<float>(byte);
      if (rule_.divided_by_255) value /= 255.0F;
      if (rule_.offset.empty()) continue;
      value = (value - static_cast<float>(rule_.offset[channel])) / static_cast<float>(rule_.divisor[channel]);
    }
  }
}

std::span<const std::byte> FieldReader::row(std::uint32_t sample) const {
  const std::size_t bytes = elements_ * bytes_of(array_.type);
  return array_.bytes.subspan(sample * bytes, bytes);
}

void FieldReader::read(std::span<const std::uint32_t> samples, std::uint64_t seed, const at::Tensor& tensor) const {
  const bool changes = rule_.padding > 0 || rule_.flip;
  std::vector<std::byte> changed(changes ? elements_ * bytes_of(array_.type) : 0);
  const auto write_all = [&](auto* to) {
    for (const std::uint32_t sample : samples) {
      if (changes) change(row(sample), derived_seed(seed, RandomStream::change, 0, sample), changed);
      write(sample, changes ? std::span<const std::byte>(changed) : row(sample), to);
      to += elements_ * static_cast<std::size_t>(std::max<std::int64_t>(rule_.classes, 1));
    }
  };
  if (rule_.type == at::kLong) {
    write_all(tensor.mutable_data_ptr<std::int64_t>());
  } else {
    write_all(tensor.mutable_data_ptr<float>());
  }
}

void FieldReader::change(std::span<const std::byte> row, std::uint64_t seed, std::span<std::byte> changed) const {
  const Shift shift = draw_shift(rule_, seed);
  const std::size_t width = bytes_of(array_.type);
  const std::int64_t columns = rule_.shape.back(), lines = *(rule_.shape.end() - 2);
  const std::int64_t kept = std::max<std::int64_t>(columns - std::abs(shift.right), 0);
  const std::int64_t from = std::max<std::int64_t>(-shift.right, 0), to = std::max<std::int64_t>(shift.right, 0);
  const std::size_t line_bytes = static_cast<std::size_t>(columns) * width;
  std::ranges::fill(changed, std::byte{0});
  const auto all = static_cast<std::int64_t>(row.size() / line_bytes);
  for (std::int64_t line = 0; line < all; ++line) {
    const std::int64_t source = line % lines - shift.down;
    if (source < 0 || source >= lines || kept == 0) continue;
    const std::byte* first = row.data() + static_cast<std::size_t>(line - shift.down) * line_bytes;
    std::byte* changed_line = changed.data() + static_cast<std::size_t>(line) * line_bytes;
    std::memcpy(changed_line + static_cast<std::size_t>(to) * width, first + static_cast<std::size_t>(from) * width,
                static_cast<std::size_t>(kept) * width);
    if (shift.mirrored) mirror(changed_line, columns, width);
  }
}

void FieldReader::write(std::uint32_t sample, std::span<const std::byte> row, float* to) const {
  if (rule_.classes > 0) return write_one_hot(sample, row, to);
  if (tables_.empty()) {
    return with_element(array_.type, [&](auto zero) {
      if (rule_.offset.empty()) return convert<decltype(zero)>(row.data(), elements_, to);
      normalize<decltype(zero)>(row.data(), to);
    });
  }
  const std::size_t count = elements_ / tables_.size();
  for (const Table& table : tables_) {
    std::ranges::transform(row.first(count), to, [&](std::byte byte) { return table[static_cast<std::size_t>(byte)]; });
    row = row.subspan(count);
    to += count;
  }
}

void FieldReader::write(std::uint32_t sample, std::span<const std::byte> row, std::int64_t* to) const {
  with_element(array_.type, [&](auto zero) {
    using Element = decltype(zero);
    const std::size_t fraction = first_fraction<Element>(row.data(), elements_);
    if (fraction < elements_) {
      const auto found = static_cast<double>(element<Element>(row.data(), fraction));
      refuse(sample, "expected a whole number, which cast to int64 needs, found " + std::to_string(found));
    }
    convert<Element>(row.data(), elements_, to);
  });
}

void FieldReader::write_one_hot(std::uint32_t sample, std::span<const std::byte> row, float* to) const {
  std::vector<std::int64_t> classes(elements_);
  write(sample, row, classes.data());
  std::fill_n(to, elements_ * static_cast<std::size_t>(rule_.classes), 0.0F);
  for (const std::int64_t value : classes) {
    if (value < 0 || value >= rule_.classes) {
      refuse(sample, "expected a class from 0 to " + std::to_string(rule_.classes - 1) + ", as one_hot." +
                         toml_key(rule_.name) + " has it, found " + std::to_string(value));
    }
    to[value] = 1;
    to += rule_.classes;
  }
}

template <class Element>
void FieldReader::normalize(const std::byte* from, float* to) const {
  using Number = std::conditional_t<kFitsFloat<Element>, float, double>;
  const std::size_t count = elements_ / rule_.offset.size();
  for (std::size_t channel = 0; channel < rule_.offset.size(); ++channel) {
    const auto offset = static_cast<Number>(rule_.offset[channel]),
               divisor = static_cast<Number>(rule_.divisor[channel]);
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = static_cast<float>((static_cast<Number>(element<Element>(from, i)) - offset) / divisor);
    }
    from += count * sizeof(Element);
    to += count;
  }
}

void FieldReader::refuse(std::uint32_t sample, const std::string& what) const {
  throw RunError(ExitStatus::bad_data, place_ + ": sample " + std::to_string(sample) + ": " + what);
}

}  // namespace runnel
