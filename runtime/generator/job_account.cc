// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/job_account.h"

#include <cstddef>
#include <string>

#include "runtime/liveness/liveness.h"

namespace runnel {

void describe_job(RunReport& report, const Generator& exchange, const PeerGroup& group, const BucketLayout& layout) {
  report.bytes.gradient = layout.bytes();
  report.bytes.parameter = layout.bytes();
  for (const Peer& peer : group.all()) {
    report.processes.push_back({.rank = peer.rank,
                                .role = peer.role == Role::generator ? "generator" : "trainer",
                                .host = peer.host.name,
                                .pid = peer.pid,
                                .device = peer.device.to_string()});
  }
  for (int trainer = 0; trainer < group.trainers(); ++trainer) {
    const TrainerFacts& facts = exchange.trainer_facts()[static_cast<std::size_t>(trainer)];
    for (int generator = 0; generator < group.generators(); ++generator) {
      const PathReport& path = facts.paths[static_cast<std::size_t>(generator)];
      report.paths.push_back({.trainer = trainer,
                              .generator = generator,
                              .path = std::string(to_string(path.path)),
                              .transports = path.transports,
                              .reason = path.reason});
    }
  }
}

void record_error(RunReport& report, const std::exception& error, ExitStatus status) {
  if (report.exit != 0) return;
  report.exit = static_cast<int>(status);
  if (const Loss* loss = loss_of(error)) {
    report.lost.push_back({.rank = loss->rank, .step = report.steps, .cause = loss->cause});
  }
}

}  // namespace runnel
