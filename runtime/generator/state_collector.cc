// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/state_collector.h"

#include "runtime/generator/remote_read.h"
#include "runtime/protocol/control_layout.h"

namespace runnel {

StateCollector::StateCollector(Fabric& fabric, const TrainerLink& first, const std::vector<ConnectionOffer>& offers,
                               std::size_t bytes)
    : fabric_(fabric), first_(first), copy_(Slab::allocate(fabric.context(), bytes)), bytes_(bytes) {
  const ConnectionOffer& offer = offers[static_cast<std::size_t>(first.peer.rank)];
  const std::size_t needed = TrainerControl::bytes(fabric.group().generators(), bytes);
  require_length(offer.control, needed, "control", first.peer.rank);
}

std::span<const std::byte> StateCollector::collect(std::uint64_t version) {
  const std::size_t offset = TrainerControl::state(fabric_.group().generators(), version, bytes_);
  const auto target = copy_.bytes().first(bytes_);
  read_remote(fabric_.loop(), first_.control, offset, target, copy_, first_.peer.rank);
  return target;
}

}  // namespace runnel
