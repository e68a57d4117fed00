// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/generator_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/joined.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/checkpoint/manifest_comparison.h"
#include "runtime/generator/job_account.h"
#include "runtime/launch/launch_place.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/local_buffers.h"
#include "trainer/model/weights.h"
#include "trainer/run/failure.h"
#include "trainer/run/software.h"
#include "trainer/run/test_result.h"
#include "transport/log.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

/// Memory reserved before the first step, so that no step allocates; in a longer run it grows as the run goes on.
constexpr std::int64_t kMaxReservedSteps = 1'000'000;

RunReport::Software software_of_job() {
  RunReport::Software software = software_of_this_process();
  // Asked before the bootstrap, because MPI is not called any more after it.
  software.mpi = MpiBootstrap::library_version();
  return software;
}

std::vector<std::vector<float>> states_of(const Checkpoint& checkpoint, const Shard& shard, std::size_t optimized) {
  std::vector<std::vector<float>> states;
  for (std::size_t i = 0; i < checkpoint.manifest().states.size(); ++i) {
    const ByteRange floats = {shard.bytes.begin, shard.bytes.begin + optimized * sizeof(float)};
    checkpoint.read_state(i, floats, states.emplace_back(optimized));
  }
  return states;
}

/// `tests`, a JSON array, and another one.
std::string with_test(const std::string& tests, std::int64_t version, std::int64_t epoch, const RunReport::Test& test) {
  Json all = Json::parse(tests);
  Json added = {{"version", version}, {"step", version}, {"epoch", epoch + 1}};
  added.update(Json::parse(test_json(test)));
  all.push_back(std::move(added));
  return all.dump();
}

}  // namespace

GeneratorRun::GeneratorRun(const Config& config, const RunPlan& plan, const BucketLayout& layout,
                           const TrainedModel& model, bool leads, std::int64_t test_samples,
                           const Manifest& description, const Beginning& beginning)
    : config_(config),
      plan_(plan),
      layout_(layout),
      tensors_(model.tensors()),
      objective_(model.objective()),
      leads_(leads),
      schedule_(config.optimizer.lr, config.optimizer.schedule, plan.total_steps()),
      progress_({.out = stdout, .live = launcher_has_terminal(), .log_every = config.run.log_every}, plan),
      test_samples_(test_samples),
      beginning_(beginning),
      start_(layout.float_count()),
      tests_(beginning.history.tests),
      checkpoints_(config, layout, model.tensors(), description, leads,
                   [this](const std::string& line) { progress_.print(line); }),
      account_(config, software_of_job()),
      traces_(leads ? config.run.trace : ""),
      owes_report_(leads && !config.run.report.empty()) {
  // Files that cannot be read or written must be found before MPI starts.
  if (leads) require_writable_outputs(config.run);
  RunReport& report = account_.report();
  report.starts = beginning.history.starts;
  report.seconds.earlier_starts = beginning.history.seconds;
  if (beginning.checkpoint != nullptr) {
    resume(*beginning.checkpoint, description);
  } else {
    write_initial_parameters(tensors_, layout, start_);
  }
}

void GeneratorRun::resume(const Checkpoint& checkpoint, const Manifest& description) {
  account_.report().resumed_from = beginning_.start.step;
  const auto changes = require_same_run(checkpoint.folder(), checkpoint.manifest(), description);
  if (leads_ && LaunchPlace::from_environment()) tell_resumed(checkpoint, changes);
  checkpoint.read_parameters({0, layout_.bytes()}, start_);
}

void GeneratorRun::tell_resumed(const Checkpoint& checkpoint, const std::vector<std::string>& changes) {
  progress_.print("resumed from " + checkpoint.folder().string() + ", start " +
                  std::to_string(beginning_.history.starts));
  const auto text = [](const std::string& change) { return change; };
  if (!changes.empty()) progress_.print("changed since: " + joined(changes, "; ", text));
}

void GeneratorRun::run(Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up) {
  since_set_up_ = Stopwatch();
  describe(exchange, group, set_up);
  try {
    make_steps(exchange, group);
    std::span<const float> parameters;
    if (leads_) {
      parameters = exchange.collect_parameters();
      const auto state = exchange.collect_state();
      if (!state.empty()) write_local_buffers(tensors_, state);
    }
    traces_.collect(exchange);
    exchange.leave();
    // After the others have left: they would have to wait for a slow disk.
    if (leads_) keep(exchange, parameters);
    finish_account(exchange);
    if (!leads_) return;
    write_report();
    print_result();
  } catch (const std::exception& error) {
    // Before anything else: mpirun may give this process no time for more.
    report_error(error);
    exchange.fail(error);
    if (loss_of(error) != nullptr) checkpoints_.save_what_is_whole(exchange, [this] { return account_text(); });
    finish_account(exchange);
    traces_.collect_own(exchange);
    throw;
  }
}

void GeneratorRun::report_error(const std::exception& error) {
  if (account_.report().exit == 0) record_error(account_.report(), error, log_failure(error));
}

void GeneratorRun::fail(const std::exception& error) {
  report_error(error);
  try_to_write([this] { traces_.write(account_.report().software.version); });
  try_to_write([this] { write_report(); });
  rethrow_reported(error, static_cast<ExitStatus>(account_.report().exit));
}

void GeneratorRun::keep(const Generator& exchange, std::span<const float> parameters) {
  account_.report().parameters_sha256 = to_hex(sha256(std::as_bytes(parameters)));
  exchange.require_going_on();
  if (!config_.run.save.empty()) save_weights(config_.run.save, tensors_, layout_, parameters);
  traces_.write(account_.report().software.version);
  exchange.require_going_on();
}

void GeneratorRun::write_report() {
  if (std::exchange(owes_report_, false)) runnel::write_report(account_.report(), config_.run.report);
}

void GeneratorRun::describe(const Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up) {
  RunReport& report = account_.report();
  report.seconds.data = set_up.data;
  report.seconds.mpi_init = set_up.mpi_init;
  report.seconds.bootstrap = set_up.bootstrap;
  describe_job(report, exchange, group, layout_);
  if (leads_) print_job(group);
}

void GeneratorRun::print_job(const PeerGroup& group) {
  const auto device = [](const Peer& peer) { return peer.name + " " + peer.device.to_string(); };
  progress_.print("optimizer: " + optimizer_summary(config_));
  progress_.print("devices: " + joined(group.all(), ", ", device));
  for (const RunReport::Path& path : account_.report().paths) {
    const Peer& trainer = group.trainer(path.trainer);
    const Peer& generator = group.generator(path.generator);
    const std::string target =
        config_.generator.count == 1 ? "" : " to " + generator.name + " on " + generator.host.name;
    progress_.print(trainer.name + " on " + trainer.host.name + target + ": " + path.path + " (" +
                    joined(path.transports, " ") + "), " + path.reason);
  }
}

void GeneratorRun::make_steps(Generator& exchange, const PeerGroup& group) {
  begin(exchange, group);
  if (leads_ && beginning_.start.tests_first) test(exchange, beginning_.start.step);
  for (std::int64_t step = beginning_.start.step; step < plan_.total_steps(); ++step) {
    make_step(exchange, step);
    if (leads_ && plan_.test_after(step)) test(exchange, step + 1);
    checkpoints_.after_step(exchange, [this] { return account_text(); });
  }
  checkpoints_.finish(exchange);
}

void GeneratorRun::begin(Generator& exchange, const PeerGroup& group) {
  const auto steps = static_cast<std::size_t>(std::min(plan_.total_steps(), kMaxReservedSteps));
  account_.reserve(steps);
  exchange.reserve(steps);
  if (beginning_.checkpoint != nullptr) {
    const Shard& shard = layout_.shard(static_cast<std::size_t>(group.self().index));
    exchange.restore_states(states_of(*beginning_.checkpoint, shard, layout_.float_counts(shard).optimized));
  }
  checkpoints_.begin(exchange, group, beginning_.start.step, plan_.total_steps());
  exchange.publish_start(start_);
  account_.report().seconds.start = std::chrono::duration<double>(time_since_start()).count();
}

void GeneratorRun::make_step(Generator& exchange, std::int64_t step) {
  const Stopwatch watch;
  const std::int64_t epoch = plan_.epoch_of(step);
  const Generator::Step made = exchange.step(schedule_.lr(step, epoch));
  const double seconds = watch.seconds();
  const auto samples = static_cast<std::int64_t>(made.samples);
  account_.step({.step = step,
                 .epoch = epoch,
                 .loss = made.loss,
                 .samples = samples,
                 .seconds = seconds,
                 .data_ns = made.data_ns});
  if (!leads_) return;
  const auto& exchanges = exchange.timings().exchange_ms;
  progress_.step({.step = step,
                  .loss = made.loss,
                  .samples = samples,
                  .seconds = seconds,
                  .exchange_ms = exchanges.empty() ? std::nullopt : std::optional(exchanges.back())});
}

void GeneratorRun::test(Generator& exchange, std::int64_t version) {
  const Stopwatch watch;
  const Score score = exchange.collect_evaluation();
  const double seconds = watch.seconds();
  if (score.samples != test_samples_) {
    throw RunError(ExitStatus::protocol_mismatch, "the trainers tested " + std::to_string(score.samples) +
                                                      " samples of " + std::to_string(test_samples_) +
                                                      " rank=0; give every host the same data");
  }
  const RunReport::Test result = test_result(score, objective_);
  account_.test(result, seconds);
  progress_.test(version - 1, result);
  tests_ = with_test(tests_, version, plan_.epoch_of(version - 1), result);
}

/// For the run's next start.
std::string GeneratorRun::account_text() const {
  const double seconds = beginning_.history.seconds + since_set_up_.seconds();
  return Json({{"starts", beginning_.history.starts}, {"seconds", seconds}, {"tests", Json::parse(tests_)}}).dump();
}

void GeneratorRun::finish_account(const Generator& exchange) {
  account_.checkpoints(checkpoints_.times().ms, checkpoints_.times().exposed_ms);
  const StepRecords::Timings& timings = exchange.timings();
  const auto& set_up = account_.report().seconds;
  account_.finish({timings.exchange_ms, timings.exposed_ms, timings.staged_bytes},
                  set_up.data + set_up.bootstrap + since_set_up_.seconds());
}

void GeneratorRun::print_result() {
  const RunReport& report = account_.report();
  std::array<char, 512> text{};
  std::snprintf(
      text.data(), text.size(),
      "done: %lld steps, %lld gradients in %.1f s (train %.1f s, test %.1f s); %.0f samples/s; step p50 %.1f ms; "
      "exchange p50 %.2f ms; exposed p50 %.2f ms",
      static_cast<long long>(report.steps), static_cast<long long>(report.gradients), report.seconds.total,
      report.seconds.train, report.seconds.test, report.samples_per_second, report.step_ms.p50, report.exchange_ms.p50,
      report.exposed_ms.p50);
  progress_.print(text.data());
  progress_.print("parameters sha256 " + report.parameters_sha256);
  if (!config_.run.save.empty()) progress_.print("saved " + config_.run.save);
  if (!config_.run.report.empty()) progress_.print("report " + config_.run.report);
  if (!config_.run.trace.empty()) progress_.print("trace " + config_.run.trace);
}

}  // namespace runnel
