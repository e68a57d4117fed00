// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/transport/link.h"

#include <stdexcept>

#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

ParkOn park_on(Path path) {
  if (path == Path::mapped) return ParkOn::park_word;
  return path == Path::emulated ? ParkOn::events : ParkOn::capped_events;
}

}  // namespace

Link::Link(Bootstrap& bootstrap, Path path, std::size_t payload)
    : bootstrap_(bootstrap),
      payload_bytes(payload),
      context(context_options_for(path)),
      worker(context),
      slab(Slab::allocate(context, kPayloadOffset + payload)),
      queue(worker, 64),
      bell(slab, kBellOffset),
      peer_(exchange()),
      endpoint(worker, peer_.address),
      region(endpoint, peer_.descriptor, mapping_policy_for(path)),
      remote_bell(region, kBellOffset, kParkOffset),
      waiter(worker, ParkWord(slab.bytes(), kParkOffset), park_on(path)) {
  throw_unless_ok(endpoint.flush(deadline()));
  queue.watch(bell, kBellTag);
  queue.watch(endpoint, kPeerTag);
  throw_unless_ok(queue.ring(remote_bell, 1, kRingTag));
  for (bool is_visible = false, is_heard = false; !is_visible || !is_heard;) {
    const Completion completion = next();
    throw_unless_ok(completion.status);
    (completion.kind == CompletionKind::bell ? is_heard : is_visible) = true;
  }
  barrier();
}

void Link::barrier() {
  bootstrap_.barrier(deadline(), [this] { worker.progress(); });
}

Deadline Link::deadline() {
  return test_deadline();
}

Link::Offer Link::exchange() {
  if (bootstrap_.size() != 2) throw std::logic_error("a Link joins two processes");
  const auto peer = static_cast<std::size_t>(1 - bootstrap_.rank());
  const auto addresses = bootstrap_.all_gather(worker.address(), deadline());
  const auto descriptors = bootstrap_.all_gather(encode(slab.descriptor()), deadline());
  return {addresses[peer], decode_region_descriptor(descriptors[peer])};
}

Completion Link::next() {
  Completion completion;
  throw_unless_ok(queue.wait({&completion, 1}, waiter, deadline()).status);
  return completion;
}

std::uint64_t Link::await(CompletionKind kind) {
  for (;;) {
    const Completion completion = next();
    if (completion.kind != kind && completion.kind != CompletionKind::peer_lost) continue;
    throw_unless_ok(completion.status);
    return completion.value;
  }
}

void Link::await_bell(std::uint64_t value) {
  progress_until([&] { return bell.value() >= value; });
}

}  // namespace runnel::test
