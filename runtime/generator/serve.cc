// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/serve.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "runnel_version.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/digest.h"
#include "runtime/base/run_error.h"
#include "runtime/base/steady_clock.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/fabric/job_description.h"
#include "runtime/fabric/job_layout.h"
#include "runtime/generator/generator.h"
#include "runtime/generator/job_account.h"
#include "runtime/generator/job_traces.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/telemetry/run_account.h"
#include "runtime/telemetry/run_report.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

double seconds_since(std::int64_t begin_ns) {
  return static_cast<double>(steady_ns() - begin_ns) * 1e-9;
}

/// The values of the program's own tensors: what `runnel train` has a digest of.
std::span<const float> own_values(std::span<const float> parameters, const BucketLayout& layout) {
  std::size_t bytes = 0;
  for (const TensorPlace& tensor : layout.tensors()) {
    if (!tensor.name.starts_with(kTensorOfBinding)) bytes = tensor.bytes.end;
  }
  return parameters.first(bytes / sizeof(float));
}

/// One generator's run, and the account of it.
class Service {
 public:
  Service(Bootstrap& bootstrap, int generators, const JobDescription& description, const Deadline& deadline)
      : bootstrap_(bootstrap),
        generators_(generators),
        deadline_(deadline),
        config_(config_of(description, bootstrap.size(), generators)),
        layout_(layout_of(description.tensors, config_)),
        account_(config_, {.version = kVersion, .commit = kCommit, .ucx = ucx_version(), .torch = "", .mpi = ""}),
        traces_(bootstrap.rank() == 0 ? config_.run.trace : ""),
        owes_report_(bootstrap.rank() == 0 && !config_.run.report.empty()) {}

  void run() {
    if (bootstrap_.rank() == 0) require_writable_outputs(config_.run);
    const PeerGroup group = PeerGroup::introduce(
        bootstrap_, make_introduction(config_, layout_.fingerprint(), DeviceId::cpu()), generators_, deadline_);
    Generator exchange(bootstrap_, group, layout_, config_, deadline_, {.states = StatePlace::shared});
    describe_job(account_.report(), exchange, group, layout_);
    account_.report().seconds.bootstrap = seconds_since(begin_ns_);
    try {
      make_steps(exchange);
      if (group.is_lead()) finish(exchange.collect_parameters());
      traces_.collect(exchange);
      exchange.leave();
      finish(exchange);
    } catch (const std::exception& error) {
      report_error(error);
      exchange.fail(error);
      finish(exchange);
      traces_.collect_own(exchange);
      throw;
    }
    write_outputs();
  }

  /// After `error`, which `run` has thrown: logs it, and writes what is known.
  void fail(const std::exception& error) {
    report_error(error);
    try {
      write_outputs();
    } catch (const WriteError& unwritten) {
      log_error(unwritten.what());
    }
    if (is_reported(error)) throw;
    throw AlreadyReported(static_cast<ExitStatus>(account_.report().exit));
  }

 private:
  void make_steps(Generator& exchange) {
    exchange.adopt_start();
    account_.report().seconds.start = seconds_since(begin_ns_);
    for (std::int64_t step = 0;; ++step) {
      const std::int64_t begin = steady_ns();
      const auto made = exchange.step_of_trainers();
      if (!made) return;
      account_.step({.step = step,
                     .epoch = 0,
                     .loss = made->loss,
                     .samples = static_cast<std::int64_t>(made->samples),
                     .seconds = seconds_since(begin),
                     .data_ns = made->data_ns});
    }
  }

  void finish(std::span<const float> parameters) {
    account_.report().parameters_sha256 = to_hex(sha256(std::as_bytes(own_values(parameters, layout_))));
  }

  void finish(const Generator& exchange) {
    const StepRecords::Timings& timings = exchange.timings();
    account_.finish({timings.exchange_ms, timings.exposed_ms, timings.staged_bytes}, seconds_since(begin_ns_));
  }

  void report_error(const std::exception& error) {
    if (account_.report().exit == 0 && !is_reported(error)) log_error(error.what());
    record_error(account_.report(), error, status_of(error));
  }

  /// Each is tried once.
  void write_outputs() {
    traces_.write(kVersion);
    if (std::exchange(owes_report_, false)) write_report(account_.report(), config_.run.report);
  }

  std::int64_t begin_ns_ = steady_ns();
  Bootstrap& bootstrap_;
  int generators_;
  const Deadline& deadline_;
  Config config_;
  BucketLayout layout_;
  RunAccount account_;
  JobTraces traces_;
  bool owes_report_;
};

}  // namespace

void serve(Bootstrap& bootstrap, int generators) {
  const Deadline deadline = Deadline::after(kLongestStart);
  const JobDescription description = share_description(bootstrap, nullptr, generators, deadline);
  Service service(bootstrap, generators, description, deadline);
  try {
    service.run();
  } catch (const std::exception& error) {
    service.fail(error);
  }
}

}  // namespace runnel
