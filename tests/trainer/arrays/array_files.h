// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "trainer/arrays/array.h"

namespace runnel::test {

Bytes text_bytes(std::string_view text);

/// A file as numpy.save writes it, with `dictionary` as its header.
Bytes npy_bytes(std::string_view dictionary, const Bytes& elements, std::uint8_t major = 1);

/// `{'descr': DESCR, 'fortran_order': False, 'shape': SHAPE, }`.
std::string npy_dictionary(const std::string& descr, const std::string& shape);

/// The bytes of `numbers` in memory, in that order.
template <class Number>
Bytes number_bytes(const std::vector<std::type_identity_t<Number>>& numbers) {
  Bytes bytes(numbers.size() * sizeof(Number));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// The elements of `array` as they are in memory.
template <class Number>
std::vector<Number> elements(const Array& array) {
  EXPECT_EQ(array.bytes.size() % sizeof(Number), 0U);
  std::vector<Number> numbers(array.bytes.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

/// What a reader refuses `bytes` with, as a file called `name`, whose path begins the message and is left out of the
/// result. Empty when it reads them.
std::string refusal(const Bytes& bytes, const std::function<void(const std::filesystem::path&)>& read,
                    const std::string& name = "some.file");

}  // namespace runnel::test
