// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/doctor/machine_facts.h"
#include "runtime/doctor/pair_probe.h"

namespace runnel {

/// The job that a diagnosis is for: what it asks of its machines.
struct JobFacts {
  std::int64_t trainers = 0;
  std::int64_t payload_bytes = 0;                  ///< of the model: what a trainer sends and receives in a step
  std::int64_t generator_shared_memory_bytes = 0;  ///< slabs of the generator, and UCX's own queues
  std::int64_t trainer_shared_memory_bytes = 0;
  std::int64_t trainer_threads = 1;
  std::int64_t generator_threads = 1;
  TransportConfig transport;
  bool has_named_hosts = false;  ///< the user asked for these hosts by name: names matter also where one came up
};

/// Everything that `runnel doctor` has found out, before it is judged.
struct Diagnosis {
  JobFacts job;
  std::vector<MachineFacts> ranks;     ///< by rank; where none came up, this process in place of each
  std::vector<PairMeasurement> pairs;  ///< by trainer; empty where they could not be tried
  std::string untried;                 ///< why pairs is empty
};

/// Something that is slower or worse than it could be on these machines. Each part is one line without its full stop.
struct Finding {
  std::string where;  ///< "host node1", "trainer 0 on node2", "job"
  std::string what;
  std::string cost;    ///< what follows from it
  std::string remedy;  ///< how to change it
};

/// Why these processes could not connect, whatever the transport: different versions of UCX or of Runnel. Such pairs
/// are not tried.
std::vector<Finding> find_mismatches(const std::vector<MachineFacts>& ranks);

/// Judges: versions and modules, limits, memory, names and interfaces of every host, then every pair. A machine
/// without RDMA devices and GPUs, or with fewer cores than processes, is healthy: nothing there could be better. No
/// input or output; any thread.
std::vector<Finding> find_problems(const Diagnosis& diagnosis);

/// Open files that mpirun needs while it starts the ranks of a job, which is more than any rank does: 48 with 3 ranks
/// and 64 with 9, measured with Open MPI 4.1 and UCX 1.22, and rounded up. With too few, mpirun may hang.
std::int64_t open_files_needed(std::int64_t ranks);

}  // namespace runnel
