// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How a trainer leaves. The steps are in trainer_client.cc.
#include <algorithm>
#include <memory>

#include "runtime/client/trainer_client.h"
#include "runtime/protocol/slot_protocol.h"

namespace runnel {
namespace {

bool has_ended(const std::unique_ptr<GeneratorPeer>& generator) {
  return generator->link.version_received.value() >= kEndOfRun.encode();
}

}  // namespace

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
