// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/telemetry/run_report.h"

namespace runnel {

/// Fills a run report from the steps and tests of a run, of a job or of training alone. Thread: one at a time.
class RunAccount {
 public:
  /// `software`: versions of this process.
  RunAccount(const Config& config, RunReport::Software software);

  /// Allocates what `steps` steps need, so that none of them allocates.
  void reserve(std::size_t steps);

  struct Step {
    std::int64_t step = 0;   ///< from 0
    std::int64_t epoch = 0;  ///< from 0
    double loss = 0;         ///< mean over its gradients
    std::int64_t samples = 0;
    double seconds = 0;
    std::int64_t data_ns = 0;  ///< the longest that a trainer waited for its batches
  };

  /// The step is done.
  void step(const Step& step);

  /// A test of the whole test set is done, and took `seconds`.
  void test(const RunReport::Test& test, double seconds);

  /// Times of the run's checkpoints, as in the report.
  void checkpoints(std::span<const double> ms, std::span<const double> exposed_ms);

  struct Exchange {
    std::span<const double> exchange_ms;  ///< as many samples as there are
    std::span<const double> exposed_ms;
    std::uint64_t staged_bytes = 0;
  };

  /// Computes what follows from all steps. Not before the last one, also of a run that an error ends; `total_seconds`:
  /// of the whole run.
  void finish(const Exchange& exchange, double total_seconds);

  /// For values that are set once: processes, paths, times of the start, digest of the parameters, exit status.
  RunReport& report() { return report_; }
  const RunReport& report() const { return report_; }

 private:
  RunReport report_;
  std::vector<double> step_ms_;
  std::vector<double> data_ms_;
  std::int64_t samples_ = 0;
};

}  // namespace runnel
