// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/job_diagnosis.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/doctor/diagnosis.h"
#include "runtime/doctor/diagnosis_json.h"
#include "runtime/doctor/diagnosis_text.h"
#include "runtime/doctor/machine_facts.h"
#include "runtime/doctor/machine_findings.h"
#include "runtime/doctor/pair_probe.h"
#include "runtime/fabric/job_layout.h"
#include "runtime/launch/job_control.h"
#include "runtime/launch/launcher.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/liveness.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/protocol/tensor_slabs.h"
#include "trainer/program/diagnosis_output.h"
#include "trainer/run/failure.h"
#include "trainer/run/job_rank.h"
#include "trainer/run/software.h"
#include "trainer/torch/placement.h"
#include "transport/log.h"
#include "transport/status.h"

namespace runnel {
namespace {

/// How long one process waits for another. Nothing here takes a second on a machine in order, but for the driver of
/// GPUs: its start takes seconds, more with every process, and UCX starts it wherever there is one.
constexpr std::chrono::seconds kPeerTimeout{10};
constexpr std::chrono::seconds kPeerTimeoutWithGpus{60};

/// UCX's queues, heartbeats, and what MPI writes to of its segments: 1 MB a process with UCX 1.22, rounded up.
constexpr std::int64_t kProcessSharedMemory = 2 << 20;

JobFacts job_facts(const DiagnosisRequest& request, const std::vector<MachineFacts>& ranks) {
  const Config& config = request.config;
  const BucketLayout layout = layout_of(request.registry.make_model(config).tensors().shapes(), config);
  const auto trainers = static_cast<int>(config.trainer.count);
  const Shard& all = layout.shard(0);
  std::size_t slabs = GeneratorControl::bytes(trainers);
  if (std::ranges::find(ranks, DeviceId::cpu(), &MachineFacts::device) != ranks.end()) {
    slabs += GradientSlab::bytes(layout, all, trainers) + ParameterSlab::bytes(layout, all);
  }
  return {.trainers = config.trainer.count,
          .payload_bytes = static_cast<std::int64_t>(layout.bytes()),
          .generator_shared_memory_bytes = static_cast<std::int64_t>(slabs) + kProcessSharedMemory,
          .trainer_shared_memory_bytes =
              static_cast<std::int64_t>(TrainerControl::bytes(/*generators=*/1)) + kProcessSharedMemory,
          .trainer_threads = config.trainer.threads,
          .generator_threads = config.generator.threads,
          .transport = config.transport,
          .has_named_hosts = !request.place && !request.hosts.empty()};
}

MachineFacts facts_of_this_process() {
  MachineFacts facts = read_machine_facts();
  const RunReport::Software software = software_of_this_process();
  facts.runnel_version = software.version;
  facts.runnel_commit = software.commit;
  facts.torch_version = software.torch;
  facts.mpi_version = MpiBootstrap::library_version();
  return facts;
}

/// Adds what the job asks of its machines, prints, and gives the exit status.
int print_diagnosis(const DiagnosisRequest& request, Diagnosis& diagnosis, const DiagnosisOutput& out) {
  diagnosis.job = job_facts(request, diagnosis.ranks);
  const auto findings = find_problems(diagnosis);
  out.write(request.json ? to_json(diagnosis, findings) : to_text(diagnosis, findings));
  return findings.empty() ? 0 : 1;
}

/// Collective: the text of every rank.
std::vector<std::string> gather(Bootstrap& bootstrap, const std::string& mine, std::chrono::seconds timeout) {
  std::vector<std::string> texts;
  for (const auto& bytes : bootstrap.all_gather(std::as_bytes(std::span(mine)), Deadline::after(timeout))) {
    texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return texts;
}

std::string sender(std::size_t rank) {
  return "rank " + std::to_string(rank);
}

/// Collective: how long all of them wait for each other from here on.
std::chrono::seconds agree_on_timeout(Bootstrap& bootstrap) {
  const auto anywhere = gather(bootstrap, gpus().empty() ? "" : "GPUs", kPeerTimeout);
  const bool nowhere = std::ranges::all_of(anywhere, &std::string::empty);
  return nowhere ? kPeerTimeout : kPeerTimeoutWithGpus;
}

/// Collective: starts the devices of all ranks, and fills in their names; or says in `diagnosis.not_probed_because` who
/// cannot. Gives this rank's, null on the CPU. Before anything is asked of LibTorch.
std::unique_ptr<Device> start_devices(Bootstrap& bootstrap, const Config& config, const LaunchPlace& place,
                                      std::chrono::seconds timeout, Diagnosis& diagnosis) {
  StartedDevice mine;
  std::string error;
  try {
    mine = start_device(config, place.rank, place.local_rank);
  } catch (const std::exception& failure) {
    error = failure_line(failure);
  }
  const auto names = gather(bootstrap, pack_device(mine.id), timeout);
  const auto errors = gather(bootstrap, error, timeout);
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    MachineFacts& facts = diagnosis.ranks[rank];
    facts.device = unpack_device(names[rank], sender(rank));
    if (errors[rank].empty() || !diagnosis.not_probed_because.empty()) continue;
    diagnosis.not_probed_because = sender(rank) + " on " + facts.host.name + ": " + errors[rank];
  }
  return std::move(mine.device);
}

/// Collective: connects all pairs and measures them; fills `diagnosis.pairs`, or says in `not_probed_because` why not.
/// `device`: this rank's, null on the CPU.
void try_pairs(Bootstrap& bootstrap, const DiagnosisRequest& request, Device* device, std::chrono::seconds timeout,
               Diagnosis& diagnosis) {
  Config config = request.config;
  config.run.timeout_s = std::chrono::duration<double>(timeout).count();
  const BucketLayout layout = layout_of(request.registry.make_model(config).tensors().shapes(), config);
  const PeerGroup group =
      PeerGroup::introduce(bootstrap, make_introduction(config, layout.fingerprint(), id_of(device)),
                           /*generators=*/1, Deadline::after(timeout));
  PairMeasurement mine;
  try {
    mine = probe_pair(bootstrap, group, config, layout.bytes(), device).value_or(PairMeasurement{});
  } catch (const SetUpFailed& error) {
    diagnosis.not_probed_because = error.what();
    return;
  }
  const auto texts = gather(bootstrap, pack_pair(mine), timeout);
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    diagnosis.pairs.push_back(unpack_pair(texts[rank], sender(rank)));
  }
}

/// Collective: all facts, and the pairs where they can be tried.
void examine(Bootstrap& bootstrap, const DiagnosisRequest& request, Diagnosis& diagnosis) {
  const auto timeout = agree_on_timeout(bootstrap);
  for (const std::string& text : gather(bootstrap, pack_facts(facts_of_this_process()), timeout)) {
    diagnosis.ranks.push_back(unpack_facts(text, sender(diagnosis.ranks.size())));
  }
  if (!find_mismatches(diagnosis.ranks).empty()) {
    diagnosis.not_probed_because = "the processes are of different versions";
    return;
  }
  const auto device = start_devices(bootstrap, request.config, *request.place, timeout, diagnosis);
  if (diagnosis.not_probed_because.empty()) try_pairs(bootstrap, request, device.get(), timeout, diagnosis);
}

/// Why pairs are not probed: another rank may have said what it knows on standard error.
std::string reason_of(const std::runtime_error& error, const std::vector<MachineFacts>& ranks) {
  if (!is_reported(error)) return error.what();
  const Loss* loss = loss_of(error);
  if (loss == nullptr) return "see the lines on standard error";
  const auto rank = static_cast<std::size_t>(loss->rank);
  return sender(rank) + " on " + ranks[rank].host.name + ": " + loss->cause + "; see the lines on standard error";
}

bool is_stop(const std::runtime_error& error) {
  const auto* run_error = dynamic_cast<const RunError*>(&error);
  return run_error != nullptr &&
         (run_error->status() == ExitStatus::interrupted || run_error->status() == ExitStatus::terminated);
}

/// A rank's part. Gives the exit status of the whole in rank 0, and 0 elsewhere.
int diagnose_as_rank(const DiagnosisRequest& request) {
  const DiagnosisOutput out(DiagnosisOutput::Others::to_standard_error);  // where UCX may log
  const BlockedStopSignals blocked;                                       // before MPI and UCX start threads
  MpiBootstrap bootstrap(Deadline::after(kPeerTimeout));
  const bool reports = bootstrap.rank() == 0;
  Diagnosis diagnosis;
  try {
    examine(bootstrap, request, diagnosis);
  } catch (const std::runtime_error& error) {
    if (is_stop(error) || diagnosis.ranks.empty()) throw;
    // Other ranks may be waiting for this one: MPI cannot be ended in order. Whoever is no reporter gives rank 0 the
    // time to notice and to print, as mpirun ends it when another rank ends first.
    if (!reports) {
      log_failure(error);
      std::this_thread::sleep_for(2 * kPeerTimeout);
      _exit(static_cast<int>(ExitStatus::internal));
    }
    diagnosis.not_probed_because = reason_of(error, diagnosis.ranks);
    (void)print_diagnosis(request, diagnosis, out);
    _exit(1);
  }
  // Before MPI ends, where a rank that has gone would keep all waiting.
  const int status = reports ? print_diagnosis(request, diagnosis, out) : 0;
  bootstrap.finalize();
  return status;
}

/// What can be said without ranks: each would find here what this process finds.
int diagnose_this_host(const DiagnosisRequest& request, const std::string& reason, const DiagnosisOutput& out) {
  Diagnosis diagnosis;
  const std::size_t ranks_here = request.hosts.empty() ? static_cast<std::size_t>(request.config.trainer.count) + 1 : 1;
  diagnosis.ranks.assign(ranks_here, facts_of_this_process());
  diagnosis.not_probed_because = reason;
  return print_diagnosis(request, diagnosis, out);
}

/// The arguments of the ranks, which start no others.
std::vector<std::string> without_hosts(const std::vector<std::string>& arguments) {
  std::vector<std::string> kept;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--hosts" && argument + 1 != arguments.end()) {
      ++argument;
    } else if (!argument->starts_with("--hosts=")) {
      kept.push_back(*argument);
    }
  }
  return kept;
}

/// A rank waits for MPI's start, facts, introductions, offers and the end of a trainer's turn; mpirun for hosts. With
/// GPUs, which hosts that this one cannot look at may have, also for their start here and in UCX.
std::chrono::seconds launch_timeout(int ranks, const std::string& hosts) {
  const bool may_have_gpus = !gpus().empty() || !hosts.empty();
  return (5 + ranks) * kPeerTimeout + (may_have_gpus ? 2 * kPeerTimeoutWithGpus : std::chrono::seconds(0));
}

}  // namespace

int diagnose_job(const DiagnosisRequest& request) {
  if (request.place) {
    end_with_parent();
    count_suspended_time();
    return diagnose_as_rank(request);
  }
  if (request.hosts.empty()) check_devices(request.config);
  // mpirun has the status of the first rank that failed, which need not be that of the one which prints.
  const DiagnosisOutput out(DiagnosisOutput::Others::kept);
  std::string reason;
  try {
    const int ranks = static_cast<int>(request.config.trainer.count) + 1;
    allow_open_files(open_files_needed(ranks), "this job");
    const int status =
        launch_ranks(ranks, without_hosts(request.arguments),
                     {.hosts = request.hosts, .deadline = Deadline::after(launch_timeout(ranks, request.hosts))});
    if (status == 0) {
      out.write(out.kept());
      return 0;
    }
    reason = "the ranks ended with status " + std::to_string(status) + " before they could say more";
  } catch (const RunError& error) {
    if (is_stop(error)) throw;
    reason = error.what();
  }
  const std::string diagnosis = out.kept();
  if (!diagnosis.ends_with('\n')) return diagnose_this_host(request, reason, out);
  out.write(diagnosis);
  return 1;
}

}  // namespace runnel
