// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/bootstrap.h"
#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/control_block.h"
#include "runtime/fabric.h"
#include "runtime/handshake.h"
#include "runtime/link.h"
#include "runtime/peer_group.h"
#include "runtime/reducer.h"
#include "runtime/slot_protocol.h"

namespace runnel {

/// The generator's side of the exchange: polls one completion queue for everything, sums gradients in trainer order,
/// makes the optimizer's step, and publishes versions.
///
/// Every method throws `RunError`, and only to end the run: a peer is lost, late or wrong, or a signal came. A step
/// allocates nothing. Thread: the one that made it.
class Generator {
 public:
  /// Collective: connects to all trainers and finds the paths to them. `group` and `layout` outlive this.
  Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
            const Deadline& deadline);

  /// Path and clock of every trainer, by index.
  const std::vector<TrainerFacts>& trainers() const { return facts_; }

  /// The parameters of the current version. Before `publish_start` they are the caller's to fill.
  std::span<float> parameters();

  /// Lets the trainers begin, with version 0 as the caller filled it.
  void publish_start();

  /// What trainers told about a step that has just been published.
  struct Step {
    double loss = 0;            ///< mean over the trainers that had a batch
    std::uint64_t samples = 0;  ///< of all trainers
  };

  /// Waits for all gradients of the current step, reduces them, and publishes the next version.
  Step step(double lr);

  /// Of the trainers' parts of a test.
  struct Evaluation {
    double loss_sum = 0;
    std::uint64_t correct = 0;
    std::uint64_t samples = 0;
  };

  /// Waits for every trainer's part of a test of the current version, and adds them in trainer order.
  Evaluation collect_evaluation();

  /// Durations that are known so far, in ms, a value a step: what happened in a step is complete only when the trainers
  /// tell about it with the next one. The definitions are in bench/README.md.
  struct Timings {
    std::vector<double> exchange_ms;  ///< last gradient ready to parameters usable by all trainers
    std::vector<double> exposed_ms;   ///< a value a trainer and step: waited after backward
    std::uint64_t staged_bytes = 0;
  };
  const Timings& timings() const { return timings_; }

  /// Makes room for the timings of `steps` steps, so that no step allocates.
  void reserve(std::size_t steps);

  /// After the last test: parts from the trainers.
  void leave();

  /// After an error of this process: tells its peers, which then stop at once instead of waiting for it.
  void fail() { fabric_.liveness().fail(); }

 private:
  void ring_trainers(std::uint64_t word);
  void hear(const Completion& completion);
  void reduce_ready_buckets();
  Step read_step_records(std::uint64_t step);
  void check(const StepRecord& record, std::uint64_t step, const Peer& trainer) const;
  void check(const EvaluationRecord& record, const Peer& trainer) const;
  void note_parameters_ready(int trainer, std::int64_t ready_ns, std::int64_t exposed_ns);
  void close_timing();

  Fabric fabric_;
  const BucketLayout& layout_;
  std::uint64_t batch_size_;  // the most samples of a trainer's step
  Slab gradients_;
  Slab parameters_;
  std::vector<std::unique_ptr<TrainerLink>> links_;
  std::vector<TrainerFacts> facts_;
  GeneratorProtocol protocol_;
  Reducer reducer_;
  std::vector<const float*> slots_;         // of the current step, by trainer
  std::vector<std::uint64_t> evaluations_;  // heard, by trainer
  std::uint64_t evaluations_collected_ = 0;
  std::int64_t last_gradient_ns_ = 0;    // of the step whose timing is open
  std::int64_t last_parameters_ns_ = 0;  // likewise
  Timings timings_;
};

}  // namespace runnel
