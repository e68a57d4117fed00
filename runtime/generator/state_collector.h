// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/peer_links.h"
#include "transport/slab.h"

namespace runnel {

/// The lead generator's hold on the state of the first trainer, which lies at the end of its control slab. Thread: the
/// main thread's.
class StateCollector {
 public:
  /// For `bytes` of state of the trainer `first`; `offers` are those of all ranks. `fabric` and `first` outlive this.
  /// Throws `FrameError`, `TransportError`.
  StateCollector(Fabric& fabric, const TrainerLink& first, const std::vector<ConnectionOffer>& offers,
                 std::size_t bytes);

  /// The state with `version`, which the trainer has written, and does not write over before the version after the next
  /// one. Throws as `CompletionLoop::wait_until`.
  std::span<const std::byte> collect(std::uint64_t version);

 private:
  Fabric& fabric_;
  const TrainerLink& first_;
  Slab copy_;
  std::size_t bytes_;
};

}  // namespace runnel
