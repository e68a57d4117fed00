// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "runtime/liveness/heartbeat_link.h"
#include "tests/support/peer_process.h"
#include "transport/completion_queue.h"
#include "transport/context.h"
#include "transport/path.h"

namespace runnel::test {

inline ContextOptions over_tcp() {
  ContextOptions options = context_options_for(Path::emulated);
  options.shared_between_threads = true;
  return options;
}

inline PeerGroup introduce(Bootstrap& bootstrap, int generators = 1) {
  const Introduction mine{.device = DeviceId::cpu(),
                          .runnel_version = "test",
                          .ucx_version = ucx_version(),
                          .layout_fingerprint = "",
                          .configuration = {}};
  return PeerGroup::introduce(bootstrap, mine, generators, test_deadline());
}

/// A process of a job without a heartbeat thread: the test rings what it wants. Collective: introduces itself and
/// exchanges offers.
struct RawProcess {
  RawProcess(Bootstrap& bootstrap, int generators, std::size_t lines)
      : group(introduce(bootstrap, generators)),
        slab(Slab::allocate(context, lines * kLineBytes)),
        offers(exchange_offers(bootstrap, offer(), test_deadline(), {})) {}

  ConnectionOffer offer() {
    ConnectionOffer mine;
    mine.data_address = mine.liveness_address = worker.address();
    mine.control = mine.heartbeats = slab.descriptor();
    return mine;
  }

  PeerGroup group;
  Context context{over_tcp()};
  Worker worker{context};
  Slab slab;
  CompletionQueue queue{worker, 4};
  std::vector<ConnectionOffer> offers;
};

}  // namespace runnel::test
