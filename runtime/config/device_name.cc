// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/device_name.h"

#include <algorithm>
#include <charconv>

namespace runnel {

std::optional<DeviceName> DeviceName::from_string(std::string_view text) {
  constexpr std::string_view kIndexed = "cuda:";
  if (text == "auto") return DeviceName();
  if (text == "cpu") return cpu();
  if (text == "cuda") return cuda();
  if (!text.starts_with(kIndexed)) return std::nullopt;
  const std::string_view digits = text.substr(kIndexed.size());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.empty() || digits.size() > 3 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  int index = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return cuda(index);
}

std::string DeviceName::to_string() const {
  if (is_auto()) return "auto";
  if (is_cpu()) return "cpu";
  return index_ ? "cuda:" + std::to_string(*index_) : "cuda";
}

}  // namespace runnel
