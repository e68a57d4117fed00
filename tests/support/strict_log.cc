// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/strict_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "transport/log.h"

namespace runnel::test {

StrictLog::StrictLog() {
  capture_log([this](std::string_view line) {
    const std::lock_guard lock(mutex_);
    complaints_.emplace_back(line);
  });
}

StrictLog::~StrictLog() {
  capture_log({});
  for (const std::string& text : announced_) {
    const auto found =
        std::ranges::find_if(complaints_, [&](const auto& line) { return line.find(text) != line.npos; });
    EXPECT_NE(found, complaints_.end()) << "announced, but not logged: " << text;
    if (found != complaints_.end()) complaints_.erase(found);
  }
  for (const std::string& line : complaints_) ADD_FAILURE() << "logged, but not announced: " << line;
}

void StrictLog::expect(const std::string& text) {
  announced_.push_back(text);
}

}  // namespace runnel::test
