// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "transport/owned_fd.h"

namespace runnel {

/// Reserves standard output for one text: other output of this process, its libraries and its children is redirected.
/// Thread: the main thread, before others are started.
class DiagnosisOutput {
 public:
  /// Where other output goes: to standard error, or into memory, where it can be read.
  enum class Others { to_standard_error, kept };

  /// Throws `RunError` (71).
  explicit DiagnosisOutput(Others others);

  /// The other output so far, if it is `kept`.
  std::string kept() const;

  /// Writes all of `text`. Throws `RunError` (74).
  void write(std::string_view text) const;

 private:
  OwnedFd out_;
  OwnedFd memory_;
};

}  // namespace runnel
