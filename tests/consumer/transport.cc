// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Sends data and a bell, and receives them. The peer is the process itself; between two processes the address and the
// record travel by any means.
#include <array>
#include <chrono>
#include <cstdio>

#include "transport/completion_queue.h"

using namespace runnel;

int main() {
  constexpr std::size_t park_offset = 0, bell_offset = kLineBytes, source_offset = 4096, target_offset = 8192;
  constexpr std::uint64_t tag = 7, step = 1;

  Context context({.interface = "lo"});
  Worker worker(context);
  Slab slab = Slab::allocate(context, 1 << 20);  // tensors are views into slab.bytes()
  CompletionQueue queue(worker, 256);            // at most 256 transfers at once
  Waiter waiter(worker, ParkWord(slab.bytes(), park_offset), ParkOn::capped_events);

  // These two go to the peer, its own come here.
  const auto peer_address = worker.address();
  const auto peer_record = encode(slab.descriptor());

  Endpoint endpoint(worker, peer_address);
  RemoteRegion region(endpoint, decode_region_descriptor(peer_record), MappingPolicy::when_possible);
  RemoteBell bell(region, bell_offset, park_offset);
  queue.watch(Bell(slab, bell_offset), tag);  // what the peer rings here
  queue.watch(endpoint, tag);                 // the peer's loss

  const auto source = slab.bytes().subspan(source_offset, 1024);
  const Status status = queue.put_and_ring(region, target_offset, source, slab, bell, step, tag);
  if (!status.ok()) return 1;

  std::array<Completion, 16> completions;
  for (bool received = false, visible = false; !received || !visible;) {
    const auto polled = queue.wait(completions, waiter, Deadline::after(std::chrono::seconds(2)));
    if (!polled.status.ok()) return 1;
    for (std::size_t i = 0; i < polled.count; ++i) {
      received |= completions[i].kind == CompletionKind::bell;            // here, as this is the peer as well
      visible |= completions[i].kind == CompletionKind::visible_at_peer;  // payload and bell
    }
  }
  std::puts("visible at the peer, and received");
}
