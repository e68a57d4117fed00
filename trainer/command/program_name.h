// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// `text` with the program's name in place of every `@`.
inline std::string with_program_name(std::string_view text, const std::string& name) {
  std::string result;
  for (const char c : text) c == '@' ? result += name : result += c;
  return result;
}

}  // namespace runnel
