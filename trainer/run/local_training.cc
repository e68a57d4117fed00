// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/local_training.h"

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/finite.h"
#include "runtime/bootstrap/host.h"
#include "runtime/launch/launch_place.h"
#include "runtime/plan/run_plan.h"
#include "runtime/telemetry/finite_guard.h"
#include "runtime/telemetry/trace.h"
#include "runtime/telemetry/trace_file.h"
#include "trainer/compute/seat_gradients.h"
#include "trainer/dataset/dataset.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/model/weights.h"
#include "trainer/run/local_job.h"
#include "trainer/run/progress.h"
#include "trainer/run/sample_check.h"
#include "trainer/run/stopwatch.h"
#include "trainer/run/test_result.h"
#include "trainer/run/test_share.h"
#include "trainer/torch/placement.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

struct LocalData {
  LocalData(const Config& config, const Registry& registry)
      : train(registry.make_dataset(config, Split::train)), test(config, registry, /*trainer=*/0) {}

  std::unique_ptr<Dataset> train;
  TestShare test;
};

RunPlan plan_of(const Config& config, const Dataset& train, bool dry_run) {
  const RunPlan whole(config, train.size());
  return dry_run ? whole.limited_to(1) : whole;
}

/// The steps and tests of a run.
class LocalRun {
 public:
  /// The arguments outlive this.
  LocalRun(const Config& config, const Registry& registry, const LocalTrainingOptions& options, const LocalData& data,
           const StartedDevice& started, RunAccount& account)
      : config_(config),
        data_(data),
        plan_(plan_of(config, *data.train, options.dry_run)),
        trace_memory_(config.run.trace.empty() ? 0 : Trace::bytes_for(kTraceEvents)),
        trace_(trace_memory_.empty() ? Trace() : Trace(trace_memory_)),
        job_(config, registry, plan_, *data.train, trace_, started.device.get()),
        progress_({.out = options.out, .live = options.live, .log_every = config.run.log_every}, plan_),
        finite_(config.run),
        account_(account) {
    check_training_pass(job_.model(), *data.train, config);
    account.report().processes = {
        {.rank = 0, .role = "trainer", .host = Host::local().name, .pid = getpid(), .device = started.id.to_string()}};
    progress_.print("optimizer: " + optimizer_summary(config));
    progress_.print("device: " + started.id.to_string());
  }

  /// Makes all steps and tests, or those until `keep_going` returns false. `since_start`: runs since the run's start.
  void run(const std::function<bool()>& keep_going, const Stopwatch& since_start) {
    try {
      make_steps(keep_going);
      keep_results();
    } catch (...) {
      finish_account(since_start);
      throw;
    }
    finish_account(since_start);
  }

 private:
  void make_steps(const std::function<bool()>& keep_going) {
    account_.report().seconds.start = std::chrono::duration<double>(time_since_start()).count();
    for (std::int64_t step = 0; step < plan_.total_steps() && keep_going(); ++step) {
      make_step(step);
      if (plan_.test_after(step)) test(step, keep_going);
    }
  }

  void make_step(std::int64_t step) {
    const Stopwatch watch;
    const SeatGradients::Result made = job_.make_step(step);
    const auto exchange_ms = job_.ms_since_gradient();
    const double seconds = watch.seconds();
    require_finite(made, step);
    if (exchange_ms) exchange_ms_.push_back(*exchange_ms);
    staged_bytes_ += made.staged_bytes;
    account_.step({.step = step,
                   .epoch = plan_.epoch_of(step),
                   .loss = made.loss,
                   .samples = made.samples,
                   .seconds = seconds,
                   .data_ns = made.data_ns});
    progress_.step(
        {.step = step, .loss = made.loss, .samples = made.samples, .seconds = seconds, .exchange_ms = exchange_ms});
  }

  /// After step `step`, with the result `made`.
  void require_finite(const SeatGradients::Result& made, std::int64_t step) {
    const bool names_seat = config_.trainer.seat_count() > 1 && made.nonfinite;
    finite_.check_loss(names_seat ? "seat " + std::to_string(*made.nonfinite) : "trainer 0", made.loss,
                       static_cast<std::uint64_t>(step));
    if (job_.first_nonfinite()) require_finite(job_.parameters(step + 1), step);
  }

  void require_finite(const std::vector<float>& parameters, std::int64_t step) {
    const auto index = first_nonfinite(std::span(parameters).first(job_.layout().float_counts().optimized));
    if (!index) return;
    finite_.report_parameter(job_.layout().element_name(*index), parameters[*index], static_cast<std::uint64_t>(step));
  }

  void test(std::int64_t step, const std::function<bool()>& keep_going) {
    const Stopwatch watch;
    const Score score = evaluate(step, keep_going);
    if (score.samples < data_.test.size()) return;  // stopped
    finite_.check_loss("the test", score.loss.mean(), static_cast<std::uint64_t>(step));
    const RunReport::Test result = test_result(score, job_.model().objective());
    account_.test(result, watch.seconds());
    progress_.test(step, result);
  }

  Score evaluate(std::int64_t step, const std::function<bool()>& keep_going) {
    const TraceSpan span(trace_, {.what = TraceWhat::test, .step = static_cast<std::uint64_t>(step)});
    return data_.test.score(job_.model(), keep_going);
  }

  void keep_results() {
    RunReport& report = account_.report();
    const std::vector<float> parameters = job_.parameters(report.steps);
    require_finite(parameters, report.steps - 1);
    report.parameters_sha256 = to_hex(sha256(std::as_bytes(std::span(parameters))));
    if (report.steps == plan_.total_steps() && !config_.run.save.empty()) {
      save_weights(config_.run.save, job_.model().tensors(), job_.layout(), parameters);
    }
    if (!trace_.on()) return;
    const std::string name = "trainer 0 (" + report.processes.front().host + ")";
    write_trace(config_.run.trace, {{.name = name, .recorded = read_trace(trace_.close(), name)}},
                report.software.version);
  }

  void finish_account(const Stopwatch& since_start) {
    account_.finish({exchange_ms_, exchange_ms_, staged_bytes_}, since_start.seconds());
  }

  const Config& config_;
  const LocalData& data_;
  RunPlan plan_;
  std::vector<std::byte> trace_memory_;
  Trace trace_;
  LocalJob job_;
  Progress progress_;
  FiniteGuard finite_;
  RunAccount& account_;
  std::vector<double> exchange_ms_;
  std::uint64_t staged_bytes_ = 0;
};

}  // namespace

void train_alone(const Config& config, const Registry& registry, const LocalTrainingOptions& options,
                 const std::function<bool()>& keep_going, RunAccount& account) {
  const Stopwatch since_start;
  require_writable_outputs(config.run);
  set_torch_threads(config.trainer.threads);
  const StartedDevice started =
      start_device(config.trainer.device_of(0), "trainer.device", /*process=*/0, /*computes=*/true);
  const KernelChoice kernels(config.trainer.kernels);
  const LocalData data(config, registry);
  account.report().seconds.data = since_start.seconds();
  LocalRun run(config, registry, options, data, started, account);
  run.run(keep_going, since_start);
}

}  // namespace runnel
