// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/peer_links.h"
#include "transport/path.h"
#include "transport/path_probe.h"

namespace runnel {

/// A trainer's paths and clock, as a generator knows them after the handshake.
struct TrainerFacts {
  std::vector<PathReport> paths;     ///< by generator
  std::int64_t clock_offset_ns = 0;  ///< the trainer's steady clock minus this process's; 0 on the same host
};

/// The last part of the bootstrap: first bells both ways, the path of every pair found by trying, clocks compared.
///
/// The order keeps generators silent (no progress of their workers) while trainers probe:
///   1. both ring "connected", and wait for the other's;
///   2. a barrier in which all progress until nothing is under way, and one in which all are silent; trainers probe,
///      one generator after the other; barrier;
///   3. trainers finish their probes and ring "probed"; generators, which progress again, wait for it;
///   4. each generator times some rounds of bells with each trainer, whose answer is its clock;
///   5. all learn all paths, and refuse the run together when one is worse than `transport.require`.
///
/// A generator's part; gives the facts of every trainer. It has prepared what trainers probe. Throws `RunError`,
/// `TransportError`, `BootstrapError`.
std::vector<TrainerFacts> handshake_with_trainers(Bootstrap& bootstrap, Fabric& fabric,
                                                  std::vector<std::unique_ptr<TrainerLink>>& links,
                                                  RequiredPath require, const Deadline& deadline);

/// A generator, and what a trainer probes the path to it with.
struct ProbedGenerator {
  GeneratorLink& link;
  PathProbe::Place gradients;      ///< the trainer's own slots: prepared by the generator, free until the first step
  const RemoteRegion& parameters;  ///< mapped as the gradients are, or the path is not "mapped"
  const Slab& local;               ///< memory of the kind that payload goes from and to
  std::size_t offset;              ///< in that
};

/// Where a trainer that has its tensors in host memory probes from: its control slab is of that kind.
inline std::size_t probe_offset_on_host(const GeneratorLink& link) {
  return TrainerControl::probe_area(link.peer.index);
}

/// A trainer's part; gives its own path to every generator. Throws the same.
std::vector<PathReport> handshake_with_generators(Bootstrap& bootstrap, Fabric& fabric,
                                                  std::span<const ProbedGenerator> generators, RequiredPath require,
                                                  const Deadline& deadline);

}  // namespace runnel
