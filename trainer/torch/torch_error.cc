// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/torch_error.h"

#include <new>
#include <string_view>

#include "runtime/base/utf8.h"

namespace runnel {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* const other = dynamic_cast<const c10::Error*>(&error);
  if (other == nullptr) return false;
  const std::string_view text = other->what_without_backtrace();
  return text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos;
}

std::string line_of(const c10::Error& error) {
  constexpr std::size_t kLongest = 300;
  const std::string text = error.what_without_backtrace();
  return printable(text.substr(0, text.find('\n')), kLongest);
}

}  // namespace runnel
