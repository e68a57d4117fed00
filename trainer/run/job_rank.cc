// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/job_rank.h"

#include <chrono>
#include <string>
#include <vector>

#include "runtime/base/joined.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/bootstrap/core_binding.h"
#include "runtime/bootstrap/host.h"
#include "runtime/bootstrap/rdma_ports.h"
#include "runtime/fabric/job_layout.h"
#include "runtime/launch/stop_signals.h"
#include "trainer/model/local_buffers.h"
#include "trainer/model/weights.h"
#include "trainer/run/stopwatch.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

std::chrono::milliseconds timeout_of(const RunConfig& run) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(run.timeout_s));
}

void check_place(const Bootstrap& bootstrap, const LaunchPlace& place) {
  if (bootstrap.rank() == place.rank && bootstrap.size() == place.size) return;
  throw RunError(ExitStatus::protocol_mismatch,
                 "the launcher's environment says rank " + std::to_string(place.rank) + " of " +
                     std::to_string(place.size) + ", MPI says rank " + std::to_string(bootstrap.rank()) + " of " +
                     std::to_string(bootstrap.size()) + "; start Runnel with the mpirun of the MPI it was built with");
}

/// Whether the values of buffers that only trainers know are written into files.
bool is_saved(const Config& config) {
  return !config.run.save.empty() || config.checkpoint.is_on();
}

std::string log_prefix(int rank, int generators) {
  if (rank >= generators) return "[trainer " + std::to_string(rank - generators) + "]";
  return generators == 1 ? "[generator]" : "[generator " + std::to_string(rank) + "]";
}

}  // namespace

void check_interfaces(const Config& config) {
  if (config.transport.interface == "auto") return;
  require_interfaces(config.transport.interface, Host::local(),
                     ucx_has_rdma() ? rdma_ports() : std::vector<std::string>());
}

void check_devices(const Config& config) {
  select_device(config.generator.device, "generator.device", /*process=*/0);
  for (const DeviceName& device : config.trainer.device) select_device(device, "trainer.device", /*process=*/0);
}

void start_rank(const Config& config, const LaunchPlace& place) {
  set_log_prefix(log_prefix(place.rank, static_cast<int>(config.generator.count)));
  set_torch_threads(config.trainer.threads);
  check_interfaces(config);
}

JobRank::JobRank(const Config& config, const Registry& registry, const LaunchPlace& place)
    : config_(config),
      place_(place),
      generators_(static_cast<int>(config.generator.count)),
      device_(start_device(config, place.rank, place.local_rank)),
      kernels_(config.trainer.kernels),
      model_(registry.make_model(config, torch_device(generates() ? DeviceId::cpu() : device_.id))),
      layout_(layout_of(model_.tensors().shapes(), config)) {
  load_weights(config, model_.tensors());
}

void JobRank::connect(const std::string& data, const RunStart& start, const Roles& roles) {
  const Stopwatch watch;
  // Before MPI and UCX start threads. From here on the heartbeat thread takes the signals that end the run; they no
  // longer end this process while UCX works on a shared memory file.
  const BlockedStopSignals blocked;
  // A rank that hangs looks like one that waits for a core, for its data or for a driver.
  const Deadline deadline = Deadline::after(timeout_of(config_.run));
  MpiBootstrap bootstrap(deadline);
  seconds_.mpi_init = watch.seconds();
  check_place(bootstrap, place_);
  Introduction introduction = make_introduction(config_, layout_.fingerprint(), device_.id);
  introduction.configuration.push_back("a test measures " + joined(model_.objective().metrics(), ", "));
  introduction.configuration.push_back("the run begins after step " + std::to_string(start.step));
  introduction.data = data;
  const PeerGroup group = PeerGroup::introduce(bootstrap, introduction, generators_, deadline);
  if (config_.run.pin) bind_to_own_cores(bootstrap, group, config_, deadline);
  const std::size_t state_bytes = is_saved(config_) ? local_buffer_bytes(model_.tensors()) : 0;
  const auto first = static_cast<std::uint64_t>(start.step);
  if (generates()) {
    Generator exchange(bootstrap, group, layout_, config_, deadline,
                       {.device = device_.device.get(), .state_bytes = state_bytes, .first_version = first});
    bootstrap.finalize();
    seconds_.bootstrap = watch.seconds();
    roles.generate(exchange, group);
  } else {
    TrainerClient exchange(bootstrap, group, layout_, config_, deadline,
                           {.device = device_.device.get(), .state_bytes = state_bytes, .first_version = first});
    bootstrap.finalize();
    roles.train(exchange);
  }
}

}  // namespace runnel
