// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/shard_collector.h"

#include <chrono>
#include <cstring>

#include "runtime/bootstrap/frame.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/generator/remote_read.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/protocol/tensor_slabs.h"

namespace runnel {

ShardCollector::Other::Other(Fabric& fabric, const ConnectionOffer& offer, int generator, const BucketLayout& layout)
    : peer(fabric.group().generator(generator)),
      shard(layout.shard(static_cast<std::size_t>(generator))),
      endpoint(fabric.connect(peer, offer)),
      control(endpoint,
              require_length(offer.control, GeneratorControl::bytes(fabric.group().trainers()), "control", peer.rank),
              fabric.mapping_policy()),
      parameters(endpoint,
                 require_length(require_tensors(offer, MemoryPlace::host, peer.rank).parameters,
                                ParameterSlab::bytes(layout, shard), "parameter", peer.rank),
                 fabric.mapping_policy()),
      bell(control, GeneratorControl::kLeadBell, kParkOffset) {}

ShardCollector::ShardCollector(Fabric& fabric, const std::vector<ConnectionOffer>& offers, const BucketLayout& layout)
    : fabric_(fabric), layout_(layout), whole_(Slab::allocate(fabric.context(), layout.padded_bytes())) {
  for (int generator = 1; generator < fabric.group().generators(); ++generator) {
    const auto rank = static_cast<std::size_t>(fabric.group().generator(generator).rank);
    others_.push_back(std::make_unique<Other>(fabric, offers[rank], generator, layout));
    fabric.loop().queue().watch(others_.back()->endpoint, Tag{.rank = others_.back()->peer.rank}.encode());
  }
}

void ShardCollector::ring_hello() {
  ring_all(kHello);
}

void ShardCollector::add_to(TraceCollector& traces, const std::vector<ConnectionOffer>& offers) {
  for (const auto& other : others_) traces.add(other->peer, other->endpoint, offers);
}

std::span<float> ShardCollector::collect(int buffer, std::span<const float> own) {
  std::memcpy(whole_.bytes().data(), own.data(), own.size_bytes());
  for (const auto& other : others_) {
    const std::size_t offset = ParameterSlab::buffer_offset(layout_, other->shard, buffer);
    const auto target = whole_.bytes().subspan(other->shard.bytes.begin, other->shard.bytes.size());
    read_remote(fabric_.loop(), other->parameters, offset, target, whole_, other->peer.rank);
  }
  return {reinterpret_cast<float*>(whole_.bytes().data()), layout_.float_count()};
}

void ShardCollector::end_run() {
  ring_all(kEnd);
  for (auto& other : others_) (void)other->endpoint.close(Deadline::after(std::chrono::seconds(1)));
}

void ShardCollector::ring_all(std::uint64_t word) {
  for (auto& other : others_) fabric_.loop().ring(other->bell, word, other->peer.rank);
  // A generator that has received the end may exit before it has acknowledged it. Its ring then fails, which is fine.
  fabric_.loop().wait_for_transfers(
      [this] { return first_unreached(others_, [](const auto& other) { return other->bell.reached(); })->peer.rank; });
}

}  // namespace runnel
