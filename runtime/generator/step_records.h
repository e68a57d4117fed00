// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/fabric/handshake.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/protocol/score.h"
#include "runtime/protocol/seat_tree.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/telemetry/finite_guard.h"
#include "transport/slab.h"

namespace runnel {

/// The trainers' records of their steps and tests at the lead generator, checked, and the times that follow from it.
///
/// After `reserve` a step allocates nothing. Thread: the main thread's.
class StepRecords {
 public:
  /// The trainers' records of a step, in one.
  struct Step {
    double loss = 0;            ///< mean over the batches of all trainers
    std::uint64_t samples = 0;  ///< of all trainers
    std::int64_t data_ns = 0;   ///< the longest that a trainer waited for its batches
  };

  /// What trainers decide about a step, where they do.
  struct Decision {
    bool over = false;  ///< no step: all trainers are leaving
    int trainer = 0;    ///< the first one that is not leaving; the rest is what its record says
    std::uint64_t content = SlotContent::kGradients;
    double lr = 0;
    std::uint64_t optimizer_steps = 0;
  };

  /// Durations that are known so far, in ms, a value a step: what happened in a step is complete only when the trainers
  /// tell about it with the next one. The definitions are in bench/README.md.
  struct Timings {
    std::vector<double> exchange_ms;  ///< last gradient ready to parameters usable by all trainers
    std::vector<double> exposed_ms;   ///< a value a trainer and step: waited after backward
    std::uint64_t staged_bytes = 0;
  };

  /// Records lie in `control`. `facts` has the clocks of all trainers. All arguments outlive this.
  StepRecords(const Slab& control, const PeerGroup& group, const BucketLayout& layout, const Config& config,
              const std::vector<TrainerFacts>& facts);

  /// How many of the steps so far had no gradients: messages do not count them.
  void begin_steps(std::uint64_t adopted) { adopted_ = adopted; }

  /// Makes room for the timings of `steps` steps.
  void reserve(std::size_t steps);

  /// All trainers have handed step `step` over, and its version was published at `published_ns`. Throws `RunError` (76)
  /// when a record is one that no trainer can put.
  Step read_step(std::uint64_t step, std::int64_t published_ns);

  /// All trainers have handed over a bucket of step `step`. Those that decide its learning rate, and those that are
  /// leaving, have put their records before. Throws `RunError`: 78 for trainers that decide differently, 76 for a
  /// record that no trainer can put.
  Decision decision(std::uint64_t step) const;

  /// All trainers have handed step `step` over, which has no gradients: what they say about it, all of them alike. Its
  /// samples, losses and times count nowhere. Throws as `decision`.
  Decision read_adopted(std::uint64_t step);

  /// All trainers have handed step `step` over: checks their losses, the first trainer's first. Throws `NotFinite`.
  void check_losses(std::uint64_t step, FiniteGuard& guard) const;

  /// All trainers have reported their part of a test of version `version`; adds in trainer order. Throws the same.
  Score read_evaluation(std::uint64_t version);

  const Timings& timings() const { return timings_; }

 private:
  StepRecord step_record(const Peer& trainer, std::uint64_t step) const;
  const SeatRange& seats_of(const Peer& trainer) const { return seats_[static_cast<std::size_t>(trainer.index)]; }
  void require_alike(int first, int second, std::uint64_t step) const;
  std::string name_of_content(std::uint64_t content) const;
  std::string name_of_loss(const StepRecord& record, const Peer& trainer) const;
  void check(const StepRecord& record, std::uint64_t step, const Peer& trainer) const;
  void check_content(const StepRecord& record, const Peer& trainer) const;
  void check(const EvaluationRecord& record, std::uint64_t version, const Peer& trainer) const;
  void note_parameters_ready(std::size_t trainer, std::int64_t ready_ns, std::int64_t exposed_ns);
  void close_exchange();

  /// The exchange of the last step, until all trainers have reported when its parameters were usable.
  struct Exchange {
    bool open = false;
    std::int64_t last_gradient_ns = 0;
    std::int64_t published_ns = 0;
    std::int64_t last_parameters_ns = 0;
  };

  const Slab& control_;
  const PeerGroup& group_;
  const BucketLayout& layout_;
  std::vector<SeatRange> seats_;  // by trainer
  std::uint64_t batch_size_;      // the most samples of a batch
  const std::vector<TrainerFacts>& facts_;
  std::span<const std::string_view> states_;  // of the optimizer
  std::uint64_t adopted_ = 0;
  Exchange exchange_;
  Timings timings_;
};

}  // namespace runnel
