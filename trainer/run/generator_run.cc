// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/generator_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "runnel_version.h"
#include "runtime/base/digest.h"
#include "runtime/base/joined.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/launch/launch_place.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/failure.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

/// Room that is made before the first step, so that none allocates; the records of a longer run grow as it goes on.
constexpr std::int64_t kMostReservedSteps = 1'000'000;

}  // namespace

GeneratorRun::GeneratorRun(const Config& config, const RunPlan& plan, const BucketLayout& layout, const Model& model,
                           bool leads)
    : config_(config),
      plan_(plan),
      layout_(layout),
      leads_(leads),
      schedule_(config.optimizer.lr, config.optimizer.schedule, plan.total_steps()),
      progress_({.out = stdout, .live = launcher_has_terminal(), .log_every = config.run.log_every}, plan),
      test_samples_(static_cast<std::int64_t>(count_samples(config.data.path, Split::test))),
      start_(layout.float_count()),
      owes_trace_(leads && !config.run.trace.empty()),
      owes_report_(leads && !config.run.report.empty()) {
  report_.version = kVersion;
  report_.commit = kCommit;
  report_.ucx_version = ucx_version();
  report_.torch_version = torch_version();
  // Asked here, because after the bootstrap MPI is not called any more.
  report_.mpi_version = MpiBootstrap::library_version();
  report_.config = config_;
  // Files that cannot be read or written must be found before MPI starts.
  if (leads) require_writable_outputs(config.run);
  write_initial_parameters(config.model, model, layout, start_);
}

void GeneratorRun::run(Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up) {
  since_set_up_ = Stopwatch();
  describe(exchange, group, set_up);
  try {
    make_steps(exchange);
    std::span<const float> parameters;
    if (leads_) parameters = exchange.collect_parameters();
    if (owes_trace_) collect_traces(exchange);
    exchange.leave();
    // Behind the others, which would have to wait for a slow disk.
    if (leads_) keep(exchange, parameters);
    settle(exchange);
    if (!leads_) return;
    write_report();
    say_result();
  } catch (const std::exception& error) {
    // First of all: mpirun may leave this process no time for more.
    say(error);
    if (leads_) exchange.keep_silent();
    exchange.fail();
    settle(exchange);
    if (owes_trace_ && traces_.empty()) traces_.push_back(exchange.own_trace());
    fail(error);
  }
}

void GeneratorRun::say(const std::exception& error) {
  if (!leads_ || report_.exit != 0) return;
  report_.exit = static_cast<int>(log_failure(error));
  if (const auto* lost = dynamic_cast<const PeerLost*>(&error)) {
    report_.lost.push_back({.rank = lost->rank(), .step = report_.steps, .cause = lost->cause()});
  }
}

void GeneratorRun::fail(const std::exception& error) {
  if (!leads_) throw;
  say(error);
  if (!traces_.empty()) try_to_write([this] { write_trace(); });
  try_to_write([this] { write_report(); });
  if (*error.what() == '\0') throw;
  throw RunError(static_cast<ExitStatus>(report_.exit), "");
}

void GeneratorRun::collect_traces(Generator& exchange) {
  traces_.push_back(exchange.own_trace());
  for (ProcessTrace& other : exchange.collect_traces()) traces_.push_back(std::move(other));
}

void GeneratorRun::keep(const Generator& exchange, std::span<const float> parameters) {
  report_.parameters_sha256 = to_hex(sha256(std::as_bytes(parameters)));
  exchange.require_going_on();
  if (!config_.run.save.empty()) save_safetensors(config_.run.save, layout_, parameters);
  write_trace();
  exchange.require_going_on();
}

void GeneratorRun::write_trace() {
  if (std::exchange(owes_trace_, false)) runnel::write_trace(config_.run.trace, traces_, kVersion);
}

void GeneratorRun::write_report() {
  if (std::exchange(owes_report_, false)) runnel::write_report(report_, config_.run.report);
}

void GeneratorRun::describe(const Generator& exchange, const PeerGroup& group, const SetUpSeconds& set_up) {
  report_.bytes.gradient = layout_.bytes();
  report_.bytes.parameter = layout_.bytes();
  report_.seconds.data = set_up.data;
  report_.seconds.mpi_init = set_up.mpi_init;
  report_.seconds.bootstrap = set_up.bootstrap;
  std::vector<std::string> devices;
  for (const Peer& peer : group.all()) {
    report_.processes.push_back({.rank = peer.rank,
                                 .role = peer.role == Role::generator ? "generator" : "trainer",
                                 .host = peer.host.name,
                                 .pid = peer.pid,
                                 .device = peer.device});
    devices.push_back(peer.name + " " + peer.device);
  }
  if (leads_) progress_.say("devices: " + joined(devices, ", "));
  for (int trainer = 0; trainer < group.trainers(); ++trainer) {
    const TrainerFacts& facts = exchange.trainers()[static_cast<std::size_t>(trainer)];
    for (int generator = 0; generator < group.generators(); ++generator) {
      describe(facts.paths[static_cast<std::size_t>(generator)], group.trainer(trainer), group.generator(generator));
    }
  }
}

void GeneratorRun::describe(const PathReport& path, const Peer& trainer, const Peer& generator) {
  report_.paths.push_back({.trainer = trainer.index,
                           .generator = generator.rank,
                           .path = std::string(to_string(path.path)),
                           .transports = path.transports,
                           .reason = path.reason});
  if (!leads_) return;
  const std::string target = config_.generator.count == 1 ? "" : " to " + generator.name + " on " + generator.host.name;
  progress_.say(trainer.name + " on " + trainer.host.name + target + ": " + std::string(to_string(path.path)) + " (" +
                joined(path.transports, " ") + "), " + path.reason);
}

void GeneratorRun::make_steps(Generator& exchange) {
  const auto steps = static_cast<std::size_t>(std::min(plan_.total_steps(), kMostReservedSteps));
  exchange.reserve(steps);
  step_ms_.reserve(steps);
  report_.loss.reserve(steps);
  exchange.publish_start(start_);
  report_.seconds.start = std::chrono::duration<double>(time_since_start()).count();
  for (std::int64_t step = 0; step < plan_.total_steps(); ++step) {
    make_step(exchange, step);
    if (leads_ && plan_.test_after(step)) test(exchange, step);
  }
}

void GeneratorRun::make_step(Generator& exchange, std::int64_t step) {
  const Stopwatch watch;
  const Generator::Step told = exchange.step(schedule_.lr(step, plan_.epoch_of(step)));
  const double seconds = watch.seconds();
  images_ += static_cast<std::int64_t>(told.samples);
  step_ms_.push_back(1e3 * seconds);
  report_.seconds.train += seconds;
  report_.loss.emplace_back(step, told.loss);
  report_.steps = step + 1;
  report_.gradients = report_.steps * config_.trainer.shares();
  report_.epochs = plan_.epoch_of(step) + 1;
  const auto& exchanges = exchange.timings().exchange_ms;
  if (!leads_) return;
  progress_.step({.step = step,
                  .loss = told.loss,
                  .images = static_cast<std::int64_t>(told.samples),
                  .seconds = seconds,
                  .exchange_ms = exchanges.empty() ? std::nullopt : std::optional(exchanges.back())});
}

void GeneratorRun::test(Generator& exchange, std::int64_t step) {
  const Stopwatch watch;
  const Generator::Evaluation sum = exchange.collect_evaluation();
  report_.seconds.test += watch.seconds();
  const Score score{.loss_sum = sum.loss_sum,
                    .correct = static_cast<std::int64_t>(sum.correct),
                    .samples = static_cast<std::int64_t>(sum.samples)};
  if (score.samples != test_samples_) {
    throw RunError(ExitStatus::protocol_mismatch, "the trainers tested " + std::to_string(score.samples) +
                                                      " samples of " + std::to_string(test_samples_) +
                                                      " rank=0; give every host the same data");
  }
  report_.test = {
      .loss = score.loss(), .accuracy = score.accuracy(), .correct = score.correct, .samples = score.samples};
  progress_.test(step, score);
}

void GeneratorRun::settle(Generator& exchange) {
  report_.step_ms = quantiles(step_ms_);
  report_.exchange_ms = quantiles(exchange.timings().exchange_ms);
  report_.exposed_ms = quantiles(exchange.timings().exposed_ms);
  report_.bytes.staged = exchange.timings().staged_bytes;
  if (report_.seconds.train > 0) report_.images_per_second = static_cast<double>(images_) / report_.seconds.train;
  report_.seconds.total = report_.seconds.data + report_.seconds.bootstrap + since_set_up_.seconds();
}

void GeneratorRun::say_result() {
  std::array<char, 512> text{};
  std::snprintf(
      text.data(), text.size(),
      "done: %lld steps, %lld gradients in %.1f s (train %.1f s, test %.1f s); %.0f images/s; step p50 %.1f ms; "
      "exchange p50 %.2f ms; exposed p50 %.2f ms",
      static_cast<long long>(report_.steps), static_cast<long long>(report_.gradients), report_.seconds.total,
      report_.seconds.train, report_.seconds.test, report_.images_per_second, report_.step_ms.p50,
      report_.exchange_ms.p50, report_.exposed_ms.p50);
  progress_.say(text.data());
  progress_.say("parameters sha256 " + report_.parameters_sha256);
  if (!config_.run.save.empty()) progress_.say("saved " + config_.run.save);
  if (!config_.run.report.empty()) progress_.say("report " + config_.run.report);
  if (!config_.run.trace.empty()) progress_.say("trace " + config_.run.trace);
}

}  // namespace runnel
