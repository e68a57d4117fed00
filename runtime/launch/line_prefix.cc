// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/line_prefix.h"

namespace runnel {

std::string LinePrefix::pass(std::string_view part) {
  std::string passed;
  std::size_t from = partial_.empty() ? 0 : partial_.size() - 1;
  partial_ += part;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = partial_.find_first_of("\r\n", from)) != partial_.npos; begin = from = end + 1) {
    if (partial_[end] == '\r' && end + 1 == partial_.size()) break;
    if (partial_[end] == '\r' && partial_[end + 1] == '\n') ++end;
    // A progress bar begins with the carriage return that ends the line before it.
    if (partial_[end] == '\r' && end == begin) continue;
    passed.append(prefix_).append(partial_, begin, end + 1 - begin);
  }
  partial_.erase(0, begin);
  return partial_.size() < kLongestLine ? passed : passed + finish();
}

std::string LinePrefix::finish() {
  if (partial_.empty()) return {};
  return prefix_ + std::exchange(partial_, {}) + '\n';
}

}  // namespace runnel
