// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/training_job.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>

#include "runnel_version.h"
#include "runtime/base/digest.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/bootstrap/core_binding.h"
#include "runtime/bootstrap/host.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/bootstrap/rdma_ports.h"
#include "runtime/device/device_module.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/model.h"
#include "trainer/run/generator_run.h"
#include "trainer/run/stopwatch.h"
#include "trainer/run/trainer_run.h"
#include "trainer/torch/placement.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

using std::chrono::duration;

/// Whether a process that the launcher starts on this host starts CUDA.
bool starts_cuda(const Config& config) {
  const auto on_gpu = [](const std::string& wanted) {
    return wanted != "cpu" && (wanted != "auto" || find_cuda().devices > 0);
  };
  return on_gpu(config.generator.device) ||
         std::any_of(config.trainer.device.begin(), config.trainer.device.end(), on_gpu);
}

std::chrono::milliseconds timeout_of(const RunConfig& run) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration<double>(run.timeout_s));
}

/// How long to wait in MPI_Init for the other ranks. Nobody can tell one that hangs from one that still reads its data,
/// but the launcher has done the same work before, alone and without what the kernel keeps of files, and this rank has
/// done it beside the others: none takes 3 s more than twice that. But starting CUDA takes seconds, more with every
/// process on a GPU, and the launcher has not done it. What else starts ranks may start them far apart.
std::chrono::milliseconds meeting_time(const Config& config) {
  const auto limit = timeout_of(config.run);
  const auto preparation = preparation_of_launcher();
  if (!preparation || starts_cuda(config)) return limit;
  return std::min(limit, std::chrono::seconds(3) + 2 * std::max(*preparation, time_since_start()));
}

/// After MPI_Init all ranks have read their data, and what is left takes milliseconds and the zeroing of slabs, for
/// which a second per GiB is plenty. A rank that hangs here ends the run as soon as one that hangs in a step.
std::chrono::milliseconds bootstrap_time(const BucketLayout& layout, std::int64_t trainers) {
  const auto slab_bytes = layout.padded_bytes() * (2 * static_cast<std::size_t>(trainers) + 2);
  // Each trainer probes one generator after the other, 40 ms each where it gets no answer.
  return std::chrono::milliseconds(3000 + slab_bytes / (1 << 20) + 100 * (layout.shard_count() - 1));
}

/// Whether the bootstrap includes CUDA's start: in every process of a host with a driver, where UCX asks it for GPUs.
bool starts_drivers(const PeerGroup& group) {
  if (std::filesystem::exists("/proc/driver/nvidia")) return true;
  return std::any_of(group.all().begin(), group.all().end(), [](const Peer& peer) { return peer.has_device(); });
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

/// Throws `RunError` (78) when the tensors cannot be cut into so many shards, or a shard has too many buckets.
BucketLayout layout_of(const Model& model, const Config& config) {
  const auto shards = static_cast<std::size_t>(config.generator.count);
  BucketLayout layout(model.shapes(), kBlockBytes);
  if (shards > layout.bucket_count()) {
    throw RunError(ExitStatus::bad_configuration,
                   "key 'generator.count': " + std::to_string(shards) + " generators for tensors of " +
                       std::to_string(layout.bucket_count()) + " blocks of 16 KiB; have fewer generators");
  }
  layout = BucketLayout(model.shapes(), static_cast<std::size_t>(config.transport.bucket_bytes), shards);
  for (std::size_t i = 0; i < shards; ++i) {
    if (layout.shard(i).buckets <= kMostBuckets) continue;
    throw RunError(ExitStatus::bad_configuration, "key 'transport.bucket_bytes': it cuts a generator's part into " +
                                                      std::to_string(layout.shard(i).buckets) + " buckets, and " +
                                                      std::to_string(kMostBuckets) + " are the most; have larger ones");
  }
  return layout;
}

}  // namespace

void check_devices(const Config& config) {
  select_device(config.generator.device, "generator.device", /*process=*/0);
  for (const std::string& device : config.trainer.device) select_device(device, "trainer.device", /*process=*/0);
}

void check_job(const Config& config) {
  check_interfaces(config);
  set_torch_threads(1);
  check_devices(config);
  const RunPlan plan(config, count_samples(config.data.path, Split::train));
  const auto model = make_model(config.model, static_cast<std::uint64_t>(config.run.seed));
  const BucketLayout layout = layout_of(*model, config);
  const GeneratorRun generator(config, plan, layout, *model, /*leads=*/true);
  for (const Split split : {Split::train, Split::test}) IdxDataset::load(config.data.path, split);
}

void run_training_job(const Config& config, const LaunchPlace& place) {
  const Stopwatch data_watch;
  const auto generators = static_cast<int>(config.generator.count);
  const bool generates = place.rank < generators;
  const int trainer = place.rank - generators;
  set_log_prefix(log_prefix(place.rank, generators));
  set_torch_threads(config.trainer.threads);

  check_interfaces(config);
  Introduction introduction;
  const StartedDevice started = start_device(config, place.rank, place.local_rank);
  introduction.device = started.name;
  const RunPlan plan(config, count_samples(config.data.path, Split::train));
  const auto model = make_model(config.model, static_cast<std::uint64_t>(config.run.seed),
                                c10::Device(generates ? "cpu" : started.name));
  const BucketLayout layout = layout_of(*model, config);
  std::unique_ptr<GeneratorRun> generator;
  std::unique_ptr<TrainerRun> trainer_run;
  if (generates) {
    generator = std::make_unique<GeneratorRun>(config, plan, layout, *model, /*leads=*/place.rank == 0);
  } else {
    trainer_run = std::make_unique<TrainerRun>(config, plan, layout, *model, static_cast<std::size_t>(trainer));
  }
  const double data_seconds = data_watch.seconds();
  introduction.runnel_version = kVersion;
  introduction.ucx_version = ucx_version();
  introduction.layout_fingerprint = to_hex(layout.fingerprint());
  introduction.configuration = canonical_lines(config);
  // Files may have other names elsewhere, but the lead can only collect what all record.
  introduction.configuration.push_back(std::string("run.trace = ") + (config.run.trace.empty() ? "nowhere" : "a file"));

  try {
    const Stopwatch bootstrap_watch;
    // Before MPI and UCX start threads. From here on a signal that ends the run waits for the heartbeats, instead of
    // ending this process in the middle of UCX's work on a shared memory file.
    const BlockedStopSignals blocked;
    MpiBootstrap bootstrap(Deadline::after(meeting_time(config)));
    const double mpi_init_seconds = bootstrap_watch.seconds();
    check_place(bootstrap, place);
    Deadline deadline = Deadline::after(bootstrap_time(layout, config.trainer.count));
    const PeerGroup group = PeerGroup::introduce(bootstrap, introduction, generators, deadline);
    // How long a driver takes to start, to pin and to register memory, nobody can tell.
    if (starts_drivers(group)) deadline = Deadline::after(timeout_of(config.run));
    if (config.run.pin) bind_to_own_cores(bootstrap, group, config, deadline);
    if (generates) {
      Generator exchange(bootstrap, group, layout, config, deadline, started.device.get());
      bootstrap.finalize();
      generator->run(exchange, group,
                     {.data = data_seconds, .mpi_init = mpi_init_seconds, .bootstrap = bootstrap_watch.seconds()});
    } else {
      TrainerClient exchange(bootstrap, group, layout, config, deadline, started.device.get());
      bootstrap.finalize();
      trainer_run->run(exchange);
    }
  } catch (const std::exception& error) {
    if (generator) generator->fail(error);
    throw;
  }
}

}  // namespace runnel
