// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/doctor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include "runnel_version.h"
#include "runtime/bootstrap_mpi.h"
#include "runtime/bucket_layout.h"
#include "runtime/control_block.h"
#include "runtime/diagnosis.h"
#include "runtime/digest.h"
#include "runtime/gradient_channel.h"
#include "runtime/machine_facts.h"
#include "runtime/machine_findings.h"
#include "runtime/pair_probe.h"
#include "runtime/parameter_channel.h"
#include "runtime/peer_group.h"
#include "runtime/stop_signals.h"
#include "trainer/model.h"
#include "trainer/placement.h"
#include "trainer/torch_setup.h"
#include "trainer/training_job.h"
#include "transport/context.h"
#include "transport/log.h"
#include "transport/status.h"

namespace runnel {
namespace {

/// How long one process waits for another. Nothing here takes a second on a machine in order, but for the driver of
/// GPUs: its start takes seconds, more with every process, and UCX starts it wherever there is one.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kPatienceWithGpus{60};

/// What rank 0 ends with when there are findings and `launch_ranks` started it: 1 would be mpirun's own status for a
/// job that it could not start.
constexpr int kFindingsOfRanks = 75;

/// UCX's queues, MPI's segments and heartbeats: 1 MB a process with UCX 1.22, rounded up.
constexpr std::int64_t kProcessSharedMemory = 2 << 20;

BucketLayout layout_of(const Config& config) {
  const auto model = make_model(config.model, static_cast<std::uint64_t>(config.run.seed));
  return {model->shapes(), static_cast<std::size_t>(config.transport.bucket_bytes)};
}

bool has_gpus(const MachineFacts& facts) {
  return !facts.gpus.empty();
}

std::chrono::seconds patience_with(const std::vector<MachineFacts>& ranks) {
  return std::ranges::any_of(ranks, has_gpus) ? kPatienceWithGpus : kPatience;
}

JobFacts job_facts(const Config& config, const BucketLayout& layout, const std::vector<MachineFacts>& ranks) {
  const auto trainers = static_cast<int>(config.trainer.count);
  const Shard& all = layout.shard(0);
  std::size_t slabs = GeneratorControl::bytes(trainers);
  if (std::ranges::find(ranks, "cpu", &MachineFacts::device) != ranks.end()) {
    slabs += GradientChannel::slab_bytes(layout, all, trainers) + ParameterChannel::slab_bytes(layout, all);
  }
  return {.trainers = config.trainer.count,
          .payload_bytes = static_cast<std::int64_t>(layout.bytes()),
          .generator_shared_memory_bytes = static_cast<std::int64_t>(slabs) + kProcessSharedMemory,
          .trainer_shared_memory_bytes =
              static_cast<std::int64_t>(TrainerControl::bytes(/*generators=*/1)) + kProcessSharedMemory,
          .trainer_threads = config.trainer.threads,
          .generator_threads = config.generator.threads,
          .transport = config.transport};
}

MachineFacts facts_of_this_process() {
  MachineFacts facts = read_machine_facts();
  facts.runnel_version = kVersion;
  facts.runnel_commit = kCommit;
  facts.torch_version = torch_version();
  facts.mpi_version = MpiBootstrap::library_version();
  return facts;
}

/// Prints, and gives the exit status.
int say(const Diagnosis& diagnosis, bool json, int out_fd = STDOUT_FILENO) {
  const auto findings = find_problems(diagnosis);
  const std::string text = json ? to_json(diagnosis, findings) : to_text(diagnosis, findings);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = write(out_fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw RunError(ExitStatus::cannot_write, "cannot write the diagnosis to standard output");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return findings.empty() ? 0 : 1;
}

/// Gives a descriptor of standard output for the diagnosis alone: UCX logs there, and from here on to standard error.
int keep_standard_output() {
  const int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (out_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw RunError(ExitStatus::os_limit, std::string("cannot use standard output: ") + std::strerror(errno));
  }
  return out_fd;
}

/// Collective: the text of every rank.
std::vector<std::string> gather(Bootstrap& bootstrap, const std::string& mine, std::chrono::seconds patience) {
  std::vector<std::string> texts;
  for (const auto& bytes : bootstrap.all_gather(std::as_bytes(std::span(mine)), Deadline::after(patience))) {
    texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return texts;
}

std::string sender(std::size_t rank) {
  return "rank " + std::to_string(rank);
}

/// As a run does it.
StartedDevice start_own_device(const Config& config, const LaunchPlace& place) {
  if (place.rank == 0) {
    return start_device(config.generator.device, "generator.device", place.local_rank, /*computes=*/false);
  }
  const auto trainer = static_cast<std::size_t>(place.rank - 1);
  return start_device(config.trainer.device_of(trainer), "trainer.device", place.local_rank, /*computes=*/true);
}

/// Collective: starts the devices of all ranks, and fills in their names; or says in `diagnosis.untried` who cannot.
/// Gives this rank's, null on the CPU. Before anything is asked of LibTorch.
std::unique_ptr<Device> start_devices(Bootstrap& bootstrap, const Config& config, const LaunchPlace& place,
                                      Diagnosis& diagnosis) {
  StartedDevice mine{.name = "cpu", .device = nullptr};
  std::string error;
  try {
    mine = start_own_device(config, place);
  } catch (const RunError& failure) {
    error = failure.what();
  }
  const auto patience = patience_with(diagnosis.ranks);
  const auto names = gather(bootstrap, mine.name, patience);
  const auto errors = gather(bootstrap, error, patience);
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    MachineFacts& facts = diagnosis.ranks[rank];
    facts.device = names[rank];
    if (errors[rank].empty() || !diagnosis.untried.empty()) continue;
    diagnosis.untried = sender(rank) + " on " + facts.host.name + ": " + errors[rank];
  }
  return std::move(mine.device);
}

/// Collective: the introductions of a job, but without its configuration's agreement on data that is not read here.
PeerGroup introduce(Bootstrap& bootstrap, const Config& config, const BucketLayout& layout, const std::string& device) {
  const Introduction mine{.device = device,
                          .runnel_version = kVersion,
                          .ucx_version = ucx_version(),
                          .layout_fingerprint = to_hex(layout.fingerprint()),
                          .configuration = canonical_lines(config)};
  return PeerGroup::introduce(bootstrap, mine, /*generators=*/1, Deadline::after(kPatience));
}

/// Collective: connects all pairs and measures them; fills `diagnosis.pairs`, or says in `untried` why not. `device`:
/// this rank's, null on the CPU.
void try_pairs(Bootstrap& bootstrap, Config config, const BucketLayout& layout, Device* device, Diagnosis& diagnosis) {
  if (!find_mismatches(diagnosis.ranks).empty()) {
    diagnosis.untried = "the processes are of different versions";
    return;
  }
  config.run.timeout_s = std::chrono::duration<double>(patience_with(diagnosis.ranks)).count();
  const PeerGroup group = introduce(bootstrap, config, layout, device == nullptr ? "cpu" : device->name());
  PairMeasurement mine;
  try {
    mine = probe_pair(bootstrap, group, config, layout.bytes(), device).value_or(PairMeasurement{});
  } catch (const SetUpFailed& error) {
    diagnosis.untried = error.what();
    return;
  }
  const auto texts = gather(bootstrap, pack_pair(mine), kPatience);
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    diagnosis.pairs.push_back(unpack_pair(texts[rank], sender(rank)));
  }
}

bool is_stop(const std::runtime_error& error) {
  const auto* run_error = dynamic_cast<const RunError*>(&error);
  return run_error != nullptr &&
         (run_error->status() == ExitStatus::interrupted || run_error->status() == ExitStatus::terminated);
}

/// A rank's part. Gives the exit status of the whole in rank 0, and 0 elsewhere.
int diagnose_as_rank(const DoctorRequest& request) {
  const int out_fd = keep_standard_output();
  const Config& config = request.config;
  const BlockedStopSignals blocked;  // before MPI and UCX start threads
  MpiBootstrap bootstrap(Deadline::after(kPatience));
  const bool reports = bootstrap.rank() == 0;
  Diagnosis diagnosis;
  for (const std::string& text : gather(bootstrap, pack_facts(facts_of_this_process()), kPatience)) {
    diagnosis.ranks.push_back(unpack_facts(text, sender(diagnosis.ranks.size())));
  }
  const auto device = start_devices(bootstrap, config, *request.place, diagnosis);
  const BucketLayout layout = layout_of(config);
  diagnosis.job = job_facts(config, layout, diagnosis.ranks);
  try {
    if (diagnosis.untried.empty()) try_pairs(bootstrap, config, layout, device.get(), diagnosis);
  } catch (const std::runtime_error& error) {
    if (is_stop(error)) throw;
    // Other ranks may be waiting for this one: MPI cannot be ended in order. Whoever is no reporter gives rank 0 the
    // time to notice and to print, as mpirun ends it when another rank ends first.
    if (!reports) {
      std::this_thread::sleep_for(2 * kPatience);
      _exit(static_cast<int>(ExitStatus::internal));
    }
    diagnosis.untried = error.what();
    (void)say(diagnosis, request.json, out_fd);
    _exit(started_by_launcher() ? kFindingsOfRanks : 1);
  }
  bootstrap.finalize();
  if (!reports) return 0;
  const int status = say(diagnosis, request.json, out_fd);
  return status == 1 && started_by_launcher() ? kFindingsOfRanks : status;
}

/// What can be said without ranks: each would find here what this process finds.
int diagnose_this_host(const DoctorRequest& request, const MachineFacts& facts, const std::string& reason) {
  Diagnosis diagnosis;
  const std::size_t ranks_here = request.hosts.empty() ? static_cast<std::size_t>(request.config.trainer.count) + 1 : 1;
  diagnosis.ranks.assign(ranks_here, facts);
  diagnosis.job = job_facts(request.config, layout_of(request.config), diagnosis.ranks);
  diagnosis.job.has_named_hosts = !request.hosts.empty();
  diagnosis.untried = reason;
  return say(diagnosis, request.json);
}

}  // namespace

int ranks_on_hosts(const std::string& hosts) {
  int ranks = 0;
  for (std::size_t begin = 0; begin <= hosts.size();) {
    const std::size_t end = std::min(hosts.find(',', begin), hosts.size());
    const std::string host = hosts.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t colon = std::min(host.find(':'), host.size());
    int slots = 1;
    const char* first = host.data() + std::min(colon + 1, host.size());
    const char* last = host.data() + host.size();
    const auto parsed = std::from_chars(first, last, slots);
    const bool number = colon == host.size() || (parsed.ec == std::errc() && parsed.ptr == last);
    if (colon == 0 || !number || slots < 1) {
      throw RunError(ExitStatus::usage, "--hosts: '" + host + "' in '" + hosts +
                                            "' is no host; expected HOST or HOST:RANKS, with commas between");
    }
    ranks += slots;
  }
  if (ranks < 2) {
    throw RunError(ExitStatus::usage,
                   "--hosts asks for 1 rank; a job needs a generator and at least one trainer, as in HOST:2");
  }
  return ranks;
}

int run_doctor(const DoctorRequest& request) {
  check_devices(request.config);
  if (request.place) {
    end_with_parent();
    return diagnose_as_rank(request);
  }
  std::string reason;
  try {
    const int ranks = static_cast<int>(request.config.trainer.count) + 1;
    allow_open_files(open_files_needed(ranks), "this job");
    // A rank waits for MPI's start, facts, introductions, offers and the end of a trainer's turn; mpirun for hosts.
    // And with GPUs for their start, here and in UCX.
    const auto for_gpus = has_gpus(read_machine_facts()) ? 2 * kPatienceWithGpus : std::chrono::seconds(0);
    const auto deadline = Deadline::after((5 + ranks) * kPatience + for_gpus);
    const int status = launch_ranks(ranks, request.arguments, request.hosts, deadline);
    if (status == 0) return 0;
    if (status == kFindingsOfRanks) return 1;
    reason = "the ranks ended with status " + std::to_string(status) + " before they could say more";
  } catch (const RunError& error) {
    if (is_stop(error)) throw;
    reason = error.what();
  }
  return diagnose_this_host(request, facts_of_this_process(), reason);
}

}  // namespace runnel
