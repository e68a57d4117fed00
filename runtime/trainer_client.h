// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/bootstrap.h"
#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/fabric.h"
#include "runtime/gradient_channel.h"
#include "runtime/link.h"
#include "runtime/parameter_channel.h"
#include "runtime/peer_group.h"
#include "runtime/slot_protocol.h"

namespace runnel {

/// A trainer's side of the exchange. A step is: `pull`, compute with `parameters()` into `gradients()`, `push`.
///
/// Every method throws `RunError`, and only to end the run: a peer is lost or late, or a signal came. Where nothing
/// goes wrong, the three above allocate nothing. Thread: the one that made it.
class TrainerClient {
 public:
  /// Collective: connects to the generator and finds the path to it. `group`, `layout` outlive this.
  TrainerClient(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                const Deadline& deadline);

  const PathReport& path() const { return path_; }

  /// Whether the run has to stop; asked between parts of long computations.
  bool stopping() const { return fabric_.liveness().stopping(); }

  /// Waits until the parameters of the current step are usable in `parameters(buffer())`.
  void pull();

  /// Buffer and slot of the current step, numbered from 0; they alternate.
  int buffer() const { return protocol_.buffer(); }
  int slot() const { return protocol_.slot(); }

  /// The memory of a buffer, only to be read, and of a slot. Both stay where they are for the whole run.
  std::span<float> parameters(int buffer) const { return parameters_->memory(buffer); }
  std::span<float> gradients(int slot) const { return gradients_->memory(slot); }

  /// Of one batch.
  struct Batch {
    double loss = 0;  ///< mean; 0 for an empty batch
    std::uint64_t samples = 0;
    std::uint64_t staged_bytes = 0;  ///< of gradients that had to be copied into `gradients(slot())`
  };

  /// Hands the gradients of the current step over. The next step begins.
  void push(const Batch& batch);

  /// What this trainer's part of a test gave, for the parameters of the last `pull`.
  void report_evaluation(double loss_sum, std::uint64_t correct, std::uint64_t samples);

  /// After the last `report_evaluation`: waits until the generator has everything from everybody, and parts from it.
  void leave();

  /// After an error of this process: tells its peers, which then stop at once instead of waiting for it.
  void fail() { fabric_.liveness().fail(); }

 private:
  void wait_for_version();
  void fetch_version();
  int generator_rank() const { return fabric_.group().generator().rank; }

  Fabric fabric_;
  // Made from the generator's offer. The link goes first: closing its endpoint ends the transfers from and to the
  // channels' slabs.
  std::optional<GradientChannel> gradients_;
  std::optional<ParameterChannel> parameters_;
  std::optional<GeneratorLink> link_;
  TrainerProtocol protocol_;
  PathReport path_;
  std::int64_t pushed_ns_ = 0;            // when the last step was handed over
  std::int64_t parameters_ready_ns_ = 0;  // of the last pull
  std::int64_t exposed_ns_ = 0;           // that the last pull waited
  std::uint64_t evaluations_ = 0;
};

}  // namespace runnel
