// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <vector>

#include "runtime/checkpoint/checkpoint.h"
#include "runtime/checkpoint/manifest.h"
#include "runtime/config/config.h"
#include "runtime/generator/generator.h"
#include "runtime/generator/job_traces.h"
#include "runtime/plan/run_plan.h"
#include "runtime/plan/schedule.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/telemetry/run_account.h"
#include "trainer/compute/trained_model.h"
#include "trainer/run/progress.h"
#include "trainer/run/resume.h"
#include "trainer/run/run_checkpoints.h"
#include "trainer/run/stopwatch.h"

namespace runnel {

/// A generator's part of a job, and the account of it: initial parameters, steps, tests, progress, results.
/// Thread: one at a time.
class GeneratorRun {
 public:
  /// Where the run begins.
  struct Beginning {
    RunStart start;
    RunHistory history;
    const Checkpoint* checkpoint = nullptr;  ///< that it goes on from; null: `model` has the values to start from
  };

  /// `leads`: this is the first generator, which alone collects tests, reports and saves. `description`: of the run,
  /// for its checkpoints. The arguments outlive this. Throws `RunError`: as `require_same_run`, and for outputs that
  /// cannot be written.
  GeneratorRun(const Config& config, const RunPlan& plan, const BucketLayout& layout, const TrainedModel& model,
               bool leads, std::int64_t test_samples, const Manifest& description, const Beginning& beginning);

  struct SetUpSeconds {
    double data = 0;
    double mpi_init = 0;  ///< part of `bootstrap`
    double bootstrap = 0;
  };

  /// Makes all steps and tests of the plan, lets the peers end, then saves and reports. When an error ends the run,
  /// logs it, notifies the peers and rethrows it, for `fail`.
  void run(Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up);

  /// Closes the account after `error`, which is being handled and has ended the run or its start: logs it unless `run`
  /// has, then the lead writes report and trace as far as they go. Throws `AlreadyReported`, or rethrows `error` if it
  /// is one.
  [[noreturn]] void fail(const std::exception& error);

 private:
  void resume(const Checkpoint& checkpoint, const Manifest& description);
  void tell_resumed(const Checkpoint& checkpoint, const std::vector<std::string>& changes);
  void describe(const Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up);
  void print_job(const PeerGroup& group);
  void make_steps(Generator& exchange, const PeerGroup& group);
  void begin(Generator& exchange, const PeerGroup& group);
  void make_step(Generator& exchange, std::int64_t step);
  void test(Generator& exchange, std::int64_t version);
  std::string account_text() const;
  void finish_account(const Generator& exchange);
  void keep(const Generator& exchange, std::span<const float> parameters);
  void report_error(const std::exception& error);
  void write_report();
  void print_result();

  const Config& config_;
  const RunPlan& plan_;
  const BucketLayout& layout_;
  const TrainedTensors& tensors_;
  const Objective& objective_;
  bool leads_;
  Schedule schedule_;
  Progress progress_;
  Stopwatch since_set_up_;
  std::int64_t test_samples_;  // in the whole test set
  Beginning beginning_;
  std::vector<float> start_;  // the parameters to start from
  std::string tests_;         // JSON: all so far
  RunCheckpoints checkpoints_;
  RunAccount account_;
  JobTraces traces_;
  bool owes_report_;  // tried once
};

}  // namespace runnel
