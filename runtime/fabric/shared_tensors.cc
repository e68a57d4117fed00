// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/shared_tensors.h"

#include <algorithm>

namespace runnel {

bool SharedTensors::needs_host(const PeerGroup& group, const Device* device) {
  if (device == nullptr || group.generators() > 1) return true;
  return std::ranges::any_of(group.all(), [](const Peer& peer) { return !peer.has_device(); });
}

SharedTensors::SharedTensors(Fabric& fabric, std::size_t bytes) : fabric_(fabric) {
  if (needs_host(fabric.group(), fabric.device())) on_host_.emplace(fabric.context(), nullptr, bytes);
  if (fabric.device() != nullptr) on_device_.emplace(fabric.context(), fabric.device(), bytes);
}

const TensorSlab* SharedTensors::in(MemoryPlace place) const {
  const auto& slab = place == MemoryPlace::device ? on_device_ : on_host_;
  return slab ? &*slab : nullptr;
}

void SharedTensors::add_to(ConnectionOffer& offer, const SharedTensors& gradients, const SharedTensors& parameters) {
  const auto in = [&](MemoryPlace place) -> std::optional<ConnectionOffer::Tensors> {
    if (gradients.in(place) == nullptr) return std::nullopt;
    return ConnectionOffer::Tensors{.gradients = gradients.in(place)->slab().descriptor(),
                                    .parameters = parameters.in(place)->slab().descriptor()};
  };
  offer.tensors = in(MemoryPlace::host);
  offer.device_tensors = in(MemoryPlace::device);
}

}  // namespace runnel
