// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "runtime/plan/run_plan.h"
#include "runtime/telemetry/run_report.h"

namespace runnel {

/// Shows the user how training proceeds: one line that is redrawn on a terminal, or a plain line every few steps
/// elsewhere. Thread: one at a time.
class Progress {
 public:
  struct Settings {
    std::FILE* out = stdout;
    bool live = false;            ///< `out` is a terminal
    std::int64_t log_every = 10;  ///< steps from one plain line to the next
  };

  Progress(const Settings& settings, const RunPlan& plan);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  struct Step {
    std::int64_t step = 0;     ///< just finished; counts from 0
    double loss = 0;           ///< mean over the trainers
    std::int64_t samples = 0;  ///< of all trainers in this step
    double seconds = 0;        ///< duration of this step
    /// From gradients ready to parameters usable, in the latest step for which it is known: in a job, the previous one.
    std::optional<double> exchange_ms;
  };

  /// Shows a step. A terminal's line is redrawn at most ten times a second; elsewhere a line is printed every
  /// `log_every` steps and after the last one.
  void step(const Step& step);

  /// Prints the result of the test after `step`.
  void test(std::int64_t step, const RunReport::Test& result);

  /// Prints `line` on a line of its own.
  void print(const std::string& line);

 private:
  std::string describe(const Step& step) const;
  void clear_line();

  Settings settings_;
  RunPlan plan_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
  std::int64_t steps_ = 0;
  std::int64_t samples_ = 0;
  double seconds_ = 0;  // in steps; without tests
  bool line_drawn_ = false;
};

}  // namespace runnel
