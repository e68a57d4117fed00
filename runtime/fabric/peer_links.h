// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/fabric/fabric.h"
#include "runtime/protocol/control_layout.h"
#include "transport/bell.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"

namespace runnel {

/// A trainer as a generator holds it. Thread: the main thread's.
struct TrainerLink {
  /// Throws `FrameError`, `TransportError`, and as `Fabric::connect`.
  TrainerLink(Fabric& fabric, const ConnectionOffer& offer, int trainer)
      : peer(fabric.group().trainer(trainer)),
        endpoint(fabric.connect(peer, offer)),
        control(endpoint,
                require_length(offer.control, TrainerControl::bytes(fabric.group().generators()), "control", peer.rank),
                fabric.mapping_policy()),
        hello(control, TrainerControl::hello_bell(fabric.group().self().index), kParkOffset),
        version(control, TrainerControl::version_bell(fabric.group().self().index), kParkOffset),
        hello_received(fabric.control(), GeneratorControl::hello_bell(trainer)),
        gradient_received(fabric.control(), GeneratorControl::gradient_bell(trainer)),
        evaluation_received(fabric.control(), GeneratorControl::evaluation_bell(trainer)) {}

  const Peer& peer;
  Endpoint endpoint;
  RemoteRegion control;
  RemoteBell hello;
  RemoteBell version;
  Bell hello_received;
  Bell gradient_received;
  Bell evaluation_received;
};

/// The first of `links` that is not `reached`, or the first of all if every one is: the peer to name when a wait for
/// rings takes too long. `links` is not empty.
template <class Links, class Reached>
const auto& first_unreached(const Links& links, Reached&& reached) {
  const auto found = std::ranges::find_if_not(links, reached);
  return found == std::ranges::end(links) ? *std::ranges::begin(links) : *found;
}

/// The rank of the first trainer that a ring has not reached yet; of the first of all when there is none.
inline int first_unreached(const std::vector<std::unique_ptr<TrainerLink>>& links) {
  const auto reached = [](const auto& link) { return link->hello.reached() && link->version.reached(); };
  return first_unreached(links, reached)->peer.rank;
}

/// A generator as a trainer holds it. Thread: the main thread's.
struct GeneratorLink {
  /// Throws `FrameError`, `TransportError`, and as `Fabric::connect`.
  GeneratorLink(Fabric& fabric, const ConnectionOffer& offer, int generator)
      : peer(fabric.group().generator(generator)),
        endpoint(fabric.connect(peer, offer)),
        control(endpoint,
                require_length(offer.control, GeneratorControl::bytes(fabric.group().trainers()), "control", peer.rank),
                fabric.mapping_policy()),
        hello(control, GeneratorControl::hello_bell(fabric.group().self().index), kParkOffset),
        gradient(control, GeneratorControl::gradient_bell(fabric.group().self().index), kParkOffset),
        evaluation(control, GeneratorControl::evaluation_bell(fabric.group().self().index), kParkOffset),
        hello_received(fabric.control(), TrainerControl::hello_bell(generator)),
        version_received(fabric.control(), TrainerControl::version_bell(generator)) {}

  const Peer& peer;
  Endpoint endpoint;
  RemoteRegion control;
  RemoteBell hello;
  RemoteBell gradient;
  RemoteBell evaluation;
  Bell hello_received;
  Bell version_received;
};

}  // namespace runnel
