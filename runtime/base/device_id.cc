// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/device_id.h"

#include <algorithm>
#include <charconv>

namespace runnel {

std::optional<DeviceId> DeviceId::from_string(std::string_view text) {
  constexpr std::string_view kCuda = "cuda:";
  if (text == "cpu") return cpu();
  if (!text.starts_with(kCuda)) return std::nullopt;
  const std::string_view digits = text.substr(kCuda.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.empty() || digits.size() > 3 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  int index = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return cuda(index);
}

}  // namespace runnel
