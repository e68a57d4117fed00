// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <vector>

#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/generator.h"
#include "runtime/report.h"
#include "runtime/schedule.h"
#include "runtime/trace_file.h"
#include "trainer/model.h"
#include "trainer/progress.h"
#include "trainer/run_plan.h"
#include "trainer/stopwatch.h"

namespace runnel {

/// A generator's part of a job, and the account of it: starting parameters, steps, tests, progress, results.
/// Thread: one at a time.
class GeneratorRun {
 public:
  /// `leads`: of several generators, the first, which alone tests, reports and saves. The arguments outlive this.
  GeneratorRun(const Config& config, const RunPlan& plan, const BucketLayout& layout, const Model& model, bool leads);

  struct SetUpSeconds {
    double data = 0;
    double mpi_init = 0;  ///< of `bootstrap`
    double bootstrap = 0;
  };

  /// Makes all steps and tests of the plan, then saves and reports. When an error ends the run, peers and the report
  /// are told of it before it is thrown on.
  void run(Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up);

 private:
  void describe(const Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up);
  void describe(const PathReport& path, const Peer& trainer, const Peer& generator);
  void keep_parameters(Generator& exchange);
  void make_steps(Generator& exchange);
  void make_step(Generator& exchange, std::int64_t step);
  void test(Generator& exchange, std::int64_t step);
  void settle(Generator& exchange);
  bool traces() const { return !config_.run.trace.empty(); }
  void collect_traces(Generator& exchange);
  void write_accounts() const;
  void report_failure(Generator& exchange, const std::exception& error);
  void say_result();

  const Config& config_;
  const RunPlan& plan_;
  const BucketLayout& layout_;
  bool leads_;
  Schedule schedule_;
  Progress progress_;
  Stopwatch since_set_up_;
  std::int64_t test_samples_;  // of the whole test set
  std::vector<float> start_;   // the parameters of version 0
  RunReport report_;
  std::vector<ProcessTrace> traces_;
  std::vector<double> step_ms_;
  std::int64_t images_ = 0;
};

}  // namespace runnel
