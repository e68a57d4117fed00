// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/handshake.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/generator/generator_memory.h"
#include "runtime/generator/reduction_passes.h"
#include "runtime/generator/shard_collector.h"
#include "runtime/generator/state_collector.h"
#include "runtime/generator/step_records.h"
#include "runtime/generator/trace_collector.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/reduction/reducer.h"
#include "runtime/telemetry/finite_guard.h"

namespace runnel {

/// A generator's side of the exchange: polls one completion queue for everything, sums gradients of its shard in
/// trainer order, makes the optimizer's step, and publishes versions bucket by bucket.
///
/// Of several generators, the first is the lead: only it knows of the trainers' batches, tests and times. Every method
/// throws `RunError`, and only to end the run: a peer is lost, late or wrong, or a signal came. A step allocates
/// nothing. Thread: the one that made it.
class Generator {
 public:
  using Step = StepRecords::Step;

  /// Collective: connects to all trainers and finds the paths to them. `device`: what is to hold the tensors and reduce
  /// them, else null. `state_bytes`: of what the lead collects from the first trainer, the same in all processes.
  /// `group`, `layout` and `device` outlive this.
  Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
            const Deadline& deadline, Device* device = nullptr, std::size_t state_bytes = 0);

  /// Paths and clock of every trainer, by index.
  const std::vector<TrainerFacts>& trainer_facts() const { return facts_; }

  /// Fills this generator's shard of version 0 from `all`, the parameters of all tensors, and lets trainers begin.
  void publish_start(std::span<const float> all);

  /// Where only the first trainer has the values to start from: lets trainers begin with step 0, in which they make no
  /// gradients. That trainer hands over the values; they become version 1, with which the first step begins. Host
  /// memory only.
  void adopt_start();

  /// Waits for all gradients of the current step, reduces them, and publishes the next version. Gives what the trainers
  /// reported, nothing where this is not the lead. Throws `NotFinite`, and does not publish, for a loss or a parameter
  /// of this shard that is not finite, unless run.on_nonfinite is "warn".
  Step step(double lr);

  /// The same with the learning rate that the trainers have put into their records. Nothing, and no step, once all of
  /// them are leaving.
  std::optional<Step> step_of_trainers();

  /// Waits for every trainer's part of a test of the current version, and adds them in trainer order. The lead only.
  Score collect_evaluation();

  /// The current version of all tensors; of several generators only the lead, and only after a `collect_evaluation`.
  /// Throws `NotFinite` as `step`.
  std::span<const float> collect_parameters();

  /// The state of the first trainer with the current version; the lead only, and only after a `collect_evaluation`.
  std::span<const std::byte> collect_state() { return state_ ? state_->collect() : std::span<const std::byte>(); }

  const StepRecords::Timings& timings() const { return records_.timings(); }

  /// Makes room for the timings of `steps` steps, so that no step allocates.
  void reserve(std::size_t steps) { records_.reserve(steps); }

  /// This process's trace, in a run with one; from here on it records nothing. Once.
  ProcessTrace own_trace();

  /// The traces of all others, which land where this process's own lies. The lead only, after the last test and
  /// `own_trace`.
  std::vector<ProcessTrace> collect_traces() { return traces_->collect(facts_); }

  /// After the last test, or when trainers end the run: disconnects from the trainers. Generators that do not lead wait
  /// here until the lead does.
  void leave();

  /// After `error`, which this process reports: notifies its peers, which then stop at once instead of waiting for it.
  void fail(const std::exception& error);

  /// Throws the error to end with when a signal has arrived, also after `leave`.
  void require_going_on() const { fabric_.loop().require_going_on(); }

 private:
  void connect(const std::vector<ConnectionOffer>& offers, std::size_t state_bytes);
  void ring(TrainerLink& link, std::uint64_t word);
  void publish(std::uint64_t step);
  void begin_step(double lr);
  Step make_step();
  void finish_step(std::uint64_t step);
  void require_finite(std::uint64_t step);
  void let_lead_report();
  void await_evaluations(std::uint64_t count);
  int awaited() const;
  void on_completion(const Completion& completion, const Tag& tag);
  /// As `CompletionLoop::wait_until` and `poll`; `on_completion` gets what completes.
  template <class... Conditions>
  void wait_until(Conditions&&... conditions) {
    fabric_.loop().wait_until([this](const auto&... news) { on_completion(news...); }, conditions...);
  }
  void poll() {
    fabric_.loop().poll([this](const auto&... news) { on_completion(news...); });
  }
  void on_gradient_bell(std::size_t trainer, std::uint64_t word);
  void reduce_ready_buckets();
  void reduce(std::uint32_t bucket);
  void publish_done();
  void publish_bucket(std::uint64_t word);
  void await_farewells();
  void await_lead();

  Fabric fabric_;
  const BucketLayout& layout_;
  const Shard& shard_;
  GeneratorMemory memory_;
  std::vector<std::unique_ptr<TrainerLink>> links_;
  std::vector<TrainerLink*> fetching_;    // those that get or copy each bucket as soon as it is published
  std::optional<ShardCollector> others_;  // of the lead, where there are some
  std::optional<TraceCollector> traces_;  // of the lead, in a run with a trace
  std::optional<StateCollector> state_;   // of the lead, where there is some
  std::vector<TrainerFacts> facts_;
  StepRecords records_;
  FiniteGuard finite_;
  GeneratorProtocol protocol_;
  std::unique_ptr<Reducer> reducer_;
  std::unique_ptr<ReductionPasses> passes_;  // ended before the memory that they use
  std::vector<const float*> slots_;          // of the current step, by trainer
  std::vector<std::uint64_t> evaluations_;   // received, by trainer
  std::uint64_t evaluations_collected_ = 0;
  std::uint64_t adopted_ = 0;       // steps that only handed over the values to start from
  std::int64_t idle_since_ns_ = 0;  // for the trace; 0 while there is something to reduce
};

}  // namespace runnel
