// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/config/config.h"

namespace runnel {

/// The run ends because a loss or a parameter is infinite or not a number.
class NotFinite : public RunError {
 public:
  explicit NotFinite(const std::string& message) : RunError(ExitStatus::bad_data, message) {}
};

/// What a run does about a value that is infinite or not a number, by run.on_nonfinite: throws, or logs a warning about
/// the first one only. Steps count from 0 here, and from 1 in messages, as in progress lines. Thread: one at a time.
class FiniteGuard {
 public:
  explicit FiniteGuard(const RunConfig& run) : stops_(run.on_nonfinite == NonfiniteAction::stop) {}

  /// Whether such a value ends the run.
  bool stops() const { return stops_; }

  /// Checks the loss of `whose` in step `step`. Throws `NotFinite`.
  void check_loss(const std::string& whose, double loss, std::uint64_t step);

  /// `element` of the parameters that step `step` has made is `value`, which is not finite. Throws `NotFinite`.
  void report_parameter(const std::string& element, float value, std::uint64_t step);

 private:
  void report(const std::string& what);

  bool stops_;
  bool warned_ = false;
};

}  // namespace runnel
