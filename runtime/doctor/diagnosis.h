// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/doctor/machine_facts.h"
#include "runtime/doctor/pair_probe.h"

namespace runnel {

/// What the job to diagnose needs of its machines.
struct JobFacts {
  std::int64_t trainers = 0;
  std::int64_t payload_bytes = 0;                  ///< of the model: what a trainer sends and receives in a step
  std::int64_t generator_shared_memory_bytes = 0;  ///< slabs of the generator, and UCX's own queues
  std::int64_t trainer_shared_memory_bytes = 0;
  std::int64_t trainer_threads = 1;
  std::int64_t generator_threads = 1;
  TransportConfig transport;
  bool has_named_hosts = false;  ///< the user named the hosts, so that names matter even if there is one only
};

/// All facts that `runnel doctor` collects; find_problems() judges them.
struct Diagnosis {
  JobFacts job;
  std::vector<MachineFacts> ranks;     ///< by rank; if none could be started, this process in place of each
  std::vector<PairMeasurement> pairs;  ///< by trainer; empty if they could not be measured
  std::string not_probed_because;      ///< why pairs is empty
};

/// Something that is slower or worse than it could be on these machines. Each part is one line without a full stop.
struct Finding {
  std::string where;  ///< "host node1", "trainer 0 on node2", "job"
  std::string what;
  std::string cost;  ///< its consequence
  std::string remedy;
};

}  // namespace runnel
