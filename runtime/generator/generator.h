// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
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
#include "runtime/generator/checkpointer.h"
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

/// How a generator takes part in a job.
struct GeneratorOptions {
  Device* device = nullptr;             ///< what is to hold the tensors and reduce them
  std::size_t state_bytes = 0;          ///< of what the lead collects from the first trainer
  StatePlace states = StatePlace::own;  ///< shared where trainers decide about steps (`adopt_start`)
  std::uint64_t first_version = 0;      ///< that the run begins with
};

/// A generator's side of the exchange: polls one completion queue for everything, sums gradients of its shard in
/// the order of the seats' tree, makes the optimizer's step, and publishes versions bucket by bucket.
///
/// Of several generators, the first is the lead: only it knows of the trainers' batches, tests and times. Every method
/// throws `RunError`, and only to end the run: a peer is lost, late or wrong, or a signal came. A step allocates
/// nothing. Thread: the one that made it.
class Generator {
 public:
  using Step = StepRecords::Step;

  /// Collective: connects to all trainers and finds the paths to them. `state_bytes` and `first_version` are the same
  /// in all processes. `group`, `layout` and `options.device` outlive this.
  Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
            const Deadline& deadline, const GeneratorOptions& options = {});

  /// Paths and clock of every trainer, by index.
  const std::vector<TrainerFacts>& trainer_facts() const { return facts_; }

  /// Fills this generator's shard of the first version from `all`, the parameters of all tensors, and lets trainers
  /// begin.
  void publish_start(std::span<const float> all);

  /// Before that, where the run goes on from a later version: the optimizer's states of this generator's shard, in the
  /// order of `optimizer_states`.
  void restore_states(const std::vector<std::vector<float>>& states);

  /// Before the first step: from here on, versions are checkpointed by `checkpointer`, which outlives the last step.
  /// `due`: asked by the lead about each version that is complete, before it is published.
  void checkpoint_by(Checkpointer& checkpointer, std::function<bool(std::uint64_t version)> due);

  /// What became of the checkpoint that has ended since the last call, or nothing.
  std::optional<Checkpointer::Outcome> note_checkpoint();

  /// Waits until no checkpoint is being made. Throws as the other waits.
  void await_checkpoint();

  /// After an error of another process: begins a checkpoint of the current version where no step has changed it, and
  /// none is being made.
  bool begin_last_checkpoint();

  /// What users wish of the run; of the lead.
  Liveness& liveness() { return fabric_.liveness(); }

  /// Where only the first trainer has the values to start from: lets trainers begin with step 0, in which that trainer
  /// hands them over instead of gradients; they become version 1. From here on trainers decide about steps, and may
  /// hand over parameters or states of the optimizer again. Host memory only.
  void adopt_start();

  /// Waits for all gradients of the current step, reduces them, and publishes the next version. Gives what the trainers
  /// reported, nothing where this is not the lead. Throws `NotFinite`, and does not publish, for a loss or a parameter
  /// of this shard that is not finite, unless run.on_nonfinite is "warn".
  Step step(double lr);

  /// The same with the learning rate that the trainers have put into their records. Steps without gradients, whose
  /// values it adopts, are made besides. Nothing, and no step, once all of them are leaving.
  std::optional<Step> step_of_trainers();

  /// Waits for every trainer's part of a test of the current version, and adds them in trainer order. The lead only.
  Score collect_evaluation();

  /// The current version of all tensors; of several generators only the lead, and only after a `collect_evaluation`.
  /// Throws `NotFinite` as `step`.
  std::span<const float> collect_parameters();

  /// The state of the first trainer with the current version; the lead only, and before the next version is complete.
  bool has_state() const { return state_.has_value(); }
  std::span<const std::byte> collect_state() {
    return state_ ? state_->collect(protocol_.version()) : std::span<const std::byte>();
  }

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
  bool announce_checkpoint(std::uint64_t version);
  void on_lead_bell(std::uint64_t word);
  void begin_checkpoint();
  void ring(TrainerLink& link, std::uint64_t word);
  void publish(std::uint64_t step);
  StepRecords::Decision await_decision();
  void adopt();
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
  Checkpointer* checkpointer_ = nullptr;
  std::function<bool(std::uint64_t)> checkpoint_due_;  // of the lead
  std::uint64_t announced_ = 0;                        // version that the lead wants checkpointed
  std::uint64_t adopted_ = 0;                          // steps without gradients
  std::int64_t optimizer_steps_;
  std::int64_t idle_since_ns_ = 0;  // for the trace; 0 while there is something to reduce
};

}  // namespace runnel
