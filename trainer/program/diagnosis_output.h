// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "transport/owned_fd.h"

namespace runnel {

/// Standard output for one text alone: what this process, its libraries and its children write there meanwhile goes
/// elsewhere. Thread: the main thread's, before others are started.
class DiagnosisOutput {
 public:
  /// Where that goes: to standard error, or into memory, where it can be read.
  enum class Others { to_standard_error, kept };

  /// Throws `RunError` (71).
  explicit DiagnosisOutput(Others others);

  /// What others have written so far, where that is `kept`.
  std::string kept() const;

  /// Writes all of `text`. Throws `RunError` (74).
  void write(std::string_view text) const;

 private:
  OwnedFd out_;
  OwnedFd memory_;
};

}  // namespace runnel
