// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "transport/path.h"

namespace runnel {

/// How a trainer and its generator reach each other, measured by the trainer. Times are medians in microseconds. The
/// payload lies where tensors do: on the devices of both, where they have one.
struct PairMeasurement {
  PathReport path;
  double bell_us = 0;  ///< half of the round trip of an 8-byte bell
  double put_us = 0;   ///< the payload into the generator's slab, until it is visible there
  double get_us = 0;   ///< the payload out of the generator's slab
  double copy_us = 0;  ///< the payload copied inside the trainer's memory: what no path is faster than
};

/// The transport could not be set up on some rank. Every rank throws it with the same text, which names rank and
/// reason.
class SetUpFailed : public RunError {
 public:
  explicit SetUpFailed(const std::string& message) : RunError(ExitStatus::os_limit, message) {}
};

/// Collective: connects the processes as a run does, with the same code, and lets every trainer in turn measure its
/// pair, with no other transfer under way. `payload_bytes` is a multiple of 8. `device`: the one of this process, of
/// the name that `group` knows, else null; it outlives this. Received bytes are compared with those sent.
///
/// Returns the facts of its pair in a trainer, nothing in a generator. Throws `SetUpFailed` on all ranks together;
/// `RunError` when a peer does not do its part within config.run.timeout_s, or is lost, and `TransportError`: then
/// other ranks may still be waiting, and MPI must not be called any more.
std::optional<PairMeasurement> probe_pair(Bootstrap& bootstrap, const PeerGroup& group, const Config& config,
                                          std::size_t payload_bytes, Device* device);

}  // namespace runnel
