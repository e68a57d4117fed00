// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace runnel::test {

/// Captures the log while it lives, and fails the test for each warning or error that nobody announced, and for each
/// announced one that did not come.
class StrictLog {
 public:
  StrictLog();
  ~StrictLog();

  StrictLog(const StrictLog&) = delete;
  StrictLog& operator=(const StrictLog&) = delete;

  /// Announces one warning or error that contains `text`.
  void expect(const std::string& text);

 private:
  std::mutex mutex_;
  std::vector<std::string> complaints_;
  std::vector<std::string> announced_;
};

}  // namespace runnel::test
