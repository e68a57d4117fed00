// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What a trainer does between steps: tests, the optimizer's states, and the end of a run. The steps are in
// trainer_client.cc.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "runtime/client/trainer_client.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/protocol/tensor_slabs.h"

namespace runnel {
namespace {

bool has_ended(const std::unique_ptr<GeneratorPeer>& generator) {
  return generator->link.version_received.value() >= kEndOfRun.encode();
}

}  // namespace

void TrainerClient::report_evaluation(const Score& score) {
  if (stopping()) fabric_.liveness().throw_stop();  // the test was cut short
  note_copies();
  const EvaluationRecord record{.version = step_,
                                .parameters_ready_ns = parameters_ready_ns_,
                                .exposed_ns = exposed_ns_,
                                .score = score,
                                .reserved = {}};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::kEvaluationRecord, sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const Status status = fabric_.loop().queue().put_and_ring(
      lead().link.control, GeneratorControl::evaluation_record(fabric_.group().self().index), copy, fabric_.control(),
      lead().link.evaluation, ++evaluations_, Tag{lead().link.peer.rank, kOther}.encode());
  require_ok(status, lead());
}

void TrainerClient::read_state(std::size_t state, std::size_t first, std::span<float> to) {
  pull();
  const std::size_t begin = first * sizeof(float);
  const auto target = std::as_writable_bytes(to);
  for (auto& peer : generators_) {
    const ByteRange& shard = peer->shard.bytes;
    const ByteRange part = {std::max(begin, shard.begin), std::min(begin + target.size(), shard.end)};
    if (part.begin >= part.end) continue;
    if (!peer->states) {
      throw RunError(
          ExitStatus::protocol_mismatch,
          peer->link.peer.name + " does not share the optimizer's states; start the same build on every host");
    }
    const std::size_t offset = StateSlab::state_offset(layout_, peer->shard, state) + part.begin - shard.begin;
    const auto there = target.subspan(part.begin - begin, part.size());
    if (peer->states->is_mapped()) {
      peer->states->read(offset, there);
    } else {
      get_state(*peer, offset, there);
    }
  }
}

/// By way of memory that stays registered: a get that a lost peer cuts short may write later.
void TrainerClient::get_state(GeneratorPeer& peer, std::size_t offset, std::span<std::byte> to) {
  constexpr std::size_t kLandingBytes = 1 << 20;
  if (!landing_slab_) {
    landing_.resize(kLandingBytes);
    landing_slab_.emplace(Slab::register_memory(fabric_.context(), landing_));
  }
  while (!to.empty()) {
    const auto piece = std::span(landing_).first(std::min(to.size(), kLandingBytes));
    state_arrived_ = false;
    require_ok(fabric_.loop().queue().get(*peer.states, offset, piece, *landing_slab_,
                                          Tag{peer.link.peer.rank, kState}.encode()),
               peer);
    wait_until([this] { return state_arrived_; }, [&] { return peer.link.peer.rank; });
    std::memcpy(to.data(), piece.data(), piece.size());
    to = to.subspan(piece.size());
    offset += piece.size();
  }
}

bool TrainerClient::is_over() const {
  return std::ranges::any_of(generators_, has_ended);
}

void TrainerClient::confirm_end() {
  ++evaluations_;
  for (auto& peer : generators_) fabric_.loop().ring(peer->link.evaluation, evaluations_, peer->link.peer.rank);
  // The generators may be gone as soon as they have it.
  fabric_.loop().wait_for_transfers(lead().link.peer.rank);
  await_end();
}

void TrainerClient::end_trace() {
  wait_until([this] { return fabric_.loop().queue().in_flight() == 0; }, [this] { return lead().link.peer.rank; });
  trace().close();
}

void TrainerClient::leave() {
  end_trace();
  await_end();
}

void TrainerClient::await_end() {
  fabric_.loop().wait_regardless(
      [this] { return std::ranges::all_of(generators_, has_ended); },
      [this] { return (*std::ranges::find_if_not(generators_, has_ended))->link.peer.rank; });
  // Endpoints are not closed in agreement with the generators: these have everything, and may progress no more.
  fabric_.liveness().leave();
}

}  // namespace runnel
