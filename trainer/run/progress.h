// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "runtime/plan/run_plan.h"
#include "trainer/compute/score.h"

namespace runnel {

/// What a user sees while training goes on: one line that is drawn again and again on a terminal, or a plain line now
/// and then. Thread: one at a time.
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
    std::int64_t step = 0;    ///< the one just made, from 0
    double loss = 0;          ///< mean over the trainers
    std::int64_t images = 0;  ///< of all trainers in this step
    double seconds = 0;       ///< that this step took
    /// Gradients ready to parameters usable, of the latest step of which that is known: in a job, the one before.
    std::optional<double> exchange_ms;
  };

  /// Tells of a step. On a terminal the line is drawn at most ten times a second; else every `log_every` steps and
  /// after the last one.
  void step(const Step& step);

  /// A line with the score after `step`.
  void test(std::int64_t step, const Score& score);

  /// A line of its own.
  void print(const std::string& line);

 private:
  std::string describe(const Step& step) const;
  void clear_line();

  Settings settings_;
  RunPlan plan_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
  std::int64_t steps_ = 0;
  std::int64_t images_ = 0;
  double seconds_ = 0;  // of the steps; tests do not count
  bool line_drawn_ = false;
};

}  // namespace runnel
