// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/refusal.h"

#include <algorithm>

#include "runtime/base/foreign_format.h"
#include "runtime/base/run_error.h"

namespace runnel {

void refuse_at(const std::string& place, std::uint64_t offset, const std::string& what) {
  throw RunError(ExitStatus::bad_data, place + ": byte " + std::to_string(offset) + ": " + what);
}

std::string found_kind(std::span<const std::byte> bytes, std::string_view convert, const std::string& otherwise) {
  const std::string_view beginning(reinterpret_cast<const char*>(bytes.data()),
                                   std::min<std::size_t>(bytes.size(), 64));
  const std::string kind = foreign_format(beginning, convert);
  return kind.empty() ? otherwise : kind;
}

}  // namespace runnel
