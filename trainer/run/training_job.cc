// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/training_job.h"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "runtime/base/joined.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/bootstrap/core_binding.h"
#include "runtime/bootstrap/host.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/bootstrap/rdma_ports.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/compute/trained_model.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/run/generator_run.h"
#include "trainer/run/job_layout.h"
#include "trainer/run/sample_check.h"
#include "trainer/run/stopwatch.h"
#include "trainer/run/trainer_run.h"
#include "trainer/torch/placement.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

using std::chrono::duration;

std::chrono::milliseconds timeout_of(const RunConfig& run) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration<double>(run.timeout_s));
}

void check_place(const Bootstrap& bootstrap, const LaunchPlace& place) {
  if (bootstrap.rank() == place.rank && bootstrap.size() == place.size) return;
  throw RunError(ExitStatus::protocol_mismatch,
                 "the launcher's environment says rank " + std::to_string(place.rank) + " of " +
                     std::to_string(place.size) + ", MPI says rank " + std::to_string(bootstrap.rank()) + " of " +
                     std::to_string(bootstrap.size()) + "; start Runnel with the mpirun of the MPI it was built with");
}

/// Each rank checks its own host.
void check_interfaces(const Config& config) {
  if (config.transport.interface == "auto") return;
  require_interfaces(config.transport.interface, Host::local(),
                     ucx_has_rdma() ? rdma_ports() : std::vector<std::string>());
}

std::string log_prefix(int rank, int generators) {
  if (rank >= generators) return "[trainer " + std::to_string(rank - generators) + "]";
  return generators == 1 ? "[generator]" : "[generator " + std::to_string(rank) + "]";
}

/// A rank of the job: what it prepares before MPI starts, and the run. Thread: the main thread.
class JobRank {
 public:
  /// `since_start`: the report's seconds.data ends with this constructor and begins with `since_start`.
  JobRank(const Config& config, const Registry& registry, const LaunchPlace& place, const Stopwatch& since_start)
      : config_(config),
        place_(place),
        generators_(static_cast<int>(config.generator.count)),
        device_(start_device(config, place.rank, place.local_rank)),
        kernels_(config.trainer.kernels),
        train_(registry.make_dataset(config, Split::train, /*only_size=*/generates())),
        plan_(config, train_->size()),
        model_(registry.make_model(config, torch_device(generates() ? DeviceId::cpu() : device_.id))),
        layout_(layout_of(model_.tensors(), config)) {
    if (generates()) {
      generator_.emplace(config, registry, plan_, layout_, model_, /*leads=*/place.rank == 0);
    } else {
      const auto trainer = static_cast<std::size_t>(place.rank - generators_);
      trainer_.emplace(config, registry, *train_, plan_, layout_, model_, trainer);
    }
    set_up_.data = since_start.seconds();
  }

  /// Connects and runs. After an error the lead generator writes report and trace.
  void run() {
    try {
      connect_and_run();
    } catch (const std::exception& error) {
      if (generator_) generator_->fail(error);
      throw;
    }
  }

 private:
  bool generates() const { return place_.rank < generators_; }

  void connect_and_run() {
    const Stopwatch bootstrap_watch;
    // Before MPI and UCX start threads. From here on the heartbeat thread takes the signals that end the run; they no
    // longer end this process while UCX works on a shared memory file.
    const BlockedStopSignals blocked;
    // A rank that hangs looks like one that waits for a core, for its data or for a driver.
    const Deadline deadline = Deadline::after(timeout_of(config_.run));
    MpiBootstrap bootstrap(deadline);
    set_up_.mpi_init = bootstrap_watch.seconds();
    check_place(bootstrap, place_);
    Introduction introduction = make_introduction(config_, layout_.fingerprint(), device_.id);
    introduction.configuration.push_back("a test measures " + joined(model_.objective().metrics(), ", "));
    const PeerGroup group = PeerGroup::introduce(bootstrap, introduction, generators_, deadline);
    if (config_.run.pin) bind_to_own_cores(bootstrap, group, config_, deadline);
    if (generates()) {
      Generator exchange(bootstrap, group, layout_, config_, deadline, device_.device.get());
      bootstrap.finalize();
      set_up_.bootstrap = bootstrap_watch.seconds();
      generator_->run(exchange, group, set_up_);
    } else {
      TrainerClient exchange(bootstrap, group, layout_, config_, deadline, device_.device.get());
      bootstrap.finalize();
      trainer_->run(exchange);
    }
  }

  const Config& config_;
  const LaunchPlace& place_;
  int generators_;
  StartedDevice device_;
  KernelChoice kernels_;
  std::unique_ptr<Dataset> train_;  // a generator needs its size only
  RunPlan plan_;
  TrainedModel model_;
  BucketLayout layout_;
  GeneratorRun::SetUpSeconds set_up_;
  std::optional<GeneratorRun> generator_;  // either this or trainer_
  std::optional<TrainerRun> trainer_;
};

}  // namespace

void check_devices(const Config& config) {
  select_device(config.generator.device, "generator.device", /*process=*/0);
  for (const DeviceName& device : config.trainer.device) select_device(device, "trainer.device", /*process=*/0);
}

void check_job(const Config& config, const Registry& registry) {
  check_interfaces(config);
  set_torch_threads(1);
  check_devices(config);
  const auto train = registry.make_dataset(config, Split::train);
  const RunPlan plan(config, train->size());
  TrainedModel model = registry.make_model(config);
  const BucketLayout layout = layout_of(model.tensors(), config);
  const GeneratorRun generator(config, registry, plan, layout, model, /*leads=*/true);
  registry.make_dataset(config, Split::test);
  require_computable(model, *train, config);
}

void run_training_job(const Config& config, const Registry& registry, const LaunchPlace& place) {
  const Stopwatch since_start;
  set_log_prefix(log_prefix(place.rank, static_cast<int>(config.generator.count)));
  set_torch_threads(config.trainer.threads);
  check_interfaces(config);
  JobRank(config, registry, place, since_start).run();
}

}  // namespace runnel
