// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/trace_collector.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "runtime/bootstrap/frame.h"
#include "runtime/generator/remote_read.h"

namespace runnel {
namespace {

/// The clock of `peer` minus that of the lead generator, which is 0 on its host. Generators have compared clocks with
/// all trainers, and not with each other.
std::int64_t clock_offset_ns(const Peer& peer, const PeerGroup& group, const std::vector<TrainerFacts>& trainers,
                             const RecordedTrace& recorded) {
  if (group.same_host(peer, group.lead())) return 0;
  if (peer.role == Role::trainer) return trainers[static_cast<std::size_t>(peer.index)].clock_offset_ns;
  return trainers.front().clock_offset_ns - recorded.first_trainer_ns;
}

}  // namespace

std::string trace_name(const Peer& peer) {
  return peer.name + " (" + peer.host.name + ")";
}

void TraceCollector::add(const Peer& peer, Endpoint& endpoint, const std::vector<ConnectionOffer>& offers) {
  const auto& offered = offers[static_cast<std::size_t>(peer.rank)].trace;
  if (!offered) throw FrameError("rank " + std::to_string(peer.rank) + ", the " + peer.name + ", offers no trace");
  const std::size_t bytes = fabric_.trace_slab()->bytes().size();
  sources_.push_back(
      {peer, RemoteRegion(endpoint, require_length(*offered, bytes, "trace", peer.rank), fabric_.mapping_policy())});
}

std::vector<ProcessTrace> TraceCollector::collect(const std::vector<TrainerFacts>& trainers) {
  std::vector<ProcessTrace> traces;
  for (const Source& source : sources_) {
    RecordedTrace recorded = fetch(source);
    traces.push_back({.rank = source.peer.rank,
                      .name = trace_name(source.peer),
                      .clock_offset_ns = clock_offset_ns(source.peer, fabric_.group(), trainers, recorded),
                      .recorded = std::move(recorded)});
  }
  return traces;
}

RecordedTrace TraceCollector::fetch(const Source& source) {
  const auto memory = fabric_.trace_slab()->bytes();
  const Deadline until = fabric_.loop().deadline();
  TraceHeader header;
  for (;;) {
    get(source, sizeof header);
    std::memcpy(&header, memory.data(), sizeof header);
    if (header.recorded != TraceHeader::kOpen) break;
    if (fabric_.liveness().stopping() || until.expired()) {
      fabric_.loop().throw_for(Status(StatusCode::deadline_exceeded, "trace"), source.peer.rank);
    }
    std::this_thread::yield();
  }
  const std::size_t room = (memory.size() - sizeof header) / sizeof(TraceEvent);
  const std::size_t bytes = Trace::bytes_for(std::min<std::size_t>(header.recorded, room));
  get(source, bytes);
  return read_trace(memory.first(bytes), source.peer.name + " rank=" + std::to_string(source.peer.rank));
}

/// Brings the first `bytes` of the trace here.
void TraceCollector::get(const Source& source, std::size_t bytes) {
  const Slab& slab = *fabric_.trace_slab();
  read_remote(fabric_.loop(), source.region, 0, slab.bytes().first(bytes), slab, source.peer.rank);
}

}  // namespace runnel
