// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/client/generator_peer.h"
#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/fabric/fabric.h"
#include "runtime/protocol/bucket_countdown.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/protocol/pass_observer.h"
#include "runtime/protocol/score.h"
#include "runtime/protocol/slot_protocol.h"

namespace runnel {

/// How a trainer takes part in a job.
struct TrainerOptions {
  Device* device = nullptr;         ///< where this trainer's tensors are to lie
  std::size_t state_bytes = 0;      ///< of what the lead generator collects from the first trainer
  std::uint64_t first_version = 0;  ///< that the run begins with
  ProcessPolicy process = {};
};

/// A trainer's side of the exchange, with all generators. A step is: `pull`, compute with `parameters(buffer())` into
/// `gradients(slot())`, `push`.
///
/// To overlap exchange and computing, a step may call `before_use` for each tensor instead of `pull`, and
/// `gradient_ready` for each gradient. Every method throws `RunError`, and only to end the run: a peer is lost or late,
/// or a signal came. Where nothing goes wrong, a step allocates nothing. Thread: the one that made it.
///
/// With tensors on a device, computing means work for the device's default stream. What is awaited may not be in memory
/// on return, but is for the work that this stream is given from then on. And gradients are ready when the work that
/// computes them has been given to that stream: `gradient_ready` may then be called on another thread, while this one
/// waits for that.
class TrainerClient final : public PassObserver {
 public:
  /// Collective: connects to all generators and finds the paths to them. `state_bytes` and `first_version` are the same
  /// in all processes. `group`, `layout` and `options.device` outlive this.
  TrainerClient(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                const Deadline& deadline, const TrainerOptions& options = {});

  /// The path to each generator.
  const std::vector<PathReport>& paths() const { return paths_; }

  /// What this trainer does when; off in a run without run.trace.
  Trace& trace() { return fabric_.trace(); }

  /// Whether the run has to stop; asked between parts of long computations.
  bool stopping() const { return fabric_.liveness().stopping(); }

  /// Waits until all parameters of the current step are usable in `parameters(buffer())`.
  void pull();

  /// Waits until those of the tensors up to and with `tensor` are.
  void before_use(std::size_t tensor) override;

  /// Before the first step: trainers decide about steps, by what each batch says. The first step is one without
  /// gradients.
  void decide_steps() { trainers_decide_ = true; }

  /// Buffer and slot of the current step, numbered from 0; they alternate.
  int buffer() const { return buffer_of_version(step_); }
  int slot() const { return slot_of_step(step_); }

  /// The memory of a buffer, only to be read, and of a slot; with a device, addresses for that. Both stay where they
  /// are for the whole run.
  std::span<float> parameters(int buffer) const { return windows_.parameters.floats(buffer); }
  std::span<float> gradients(int slot) const { return windows_.gradients.floats(slot); }

  /// The gradient of `tensor` is complete in `gradients(slot())` and is not touched any more: buckets that are complete
  /// with it are handed over, but for the last one. At most once a tensor and step. `push` takes the gradients of all
  /// tensors as complete, also those for which this was not called.
  void gradient_ready(std::size_t tensor) override;

  /// What a gradient is computed from.
  struct Batch {
    double loss = 0;                 ///< mean over the batches that are not empty, of the mean over each
    std::uint32_t batches = 1;       ///< that are not empty: at most one a seat
    std::uint64_t samples = 0;       ///< of all of them
    std::uint64_t staged_bytes = 0;  ///< of gradients that had to be copied into `gradients(slot())`
    std::int64_t data_ns = 0;        ///< waited for the batches
    double lr = 0;                   ///< of the step, where trainers decide it
    bool leaving = false;            ///< nothing comes from this trainer any more: `gradients(slot())` adds nothing
    std::uint64_t content = SlotContent::kGradients;  ///< of `gradients(slot())`, where trainers decide it
    std::uint64_t optimizer_steps = 0;                ///< where that is not gradients: that the optimizer has made
    std::uint64_t digest = 0;                         ///< and of what is there, where all trainers have the same
    /// Index among this trainer's seats of the first one whose loss is infinite or not a number.
    std::optional<std::uint32_t> nonfinite = {};
  };

  /// Hands over what is left of the gradients of the current step, which are complete, or which the device is given
  /// nothing more to do for: then it waits for that. The next step begins.
  void push(const Batch& batch);

  /// Copies what the optimizer keeps for the floats from `first` on, of state number `state` (`optimizer_states`), with
  /// the parameters of the last `pull`. Before any gradient of the step is handed over: until then no generator can
  /// change it. Only where generators share the states; no other process takes part. Not for tensors that are averaged.
  void read_state(std::size_t state, std::size_t first, std::span<float> to);

  /// Of the first trainer: memory for its state with `version`. That of the next version is written before `push`, that
  /// of the first before its test. Empty in other trainers.
  std::span<std::byte> state(std::uint64_t version) {
    return fabric_.control().bytes().subspan(TrainerControl::state(fabric_.group().generators(), version, state_bytes_),
                                             state_bytes_);
  }

  /// What this trainer's part of a test gave, for the parameters of the last `pull`.
  void report_evaluation(const Score& score);

  /// After the last step: waits until its transfers are done, and closes the trace. The lead generator reads it before
  /// it ends the run.
  void end_trace();

  /// Where trainers end the run: whether all of them were leaving, so that it is over. After `pull`.
  bool is_over() const;

  /// Once `is_over()`, after `end_trace`: lets the generators go, which wait for this, and disconnects.
  void confirm_end();

  /// Where the configuration ends the run, after the last `report_evaluation`: `end_trace`, then waits until the
  /// generators have everything from everybody, and disconnects.
  void leave();

  /// After an error that this process reports: notifies its peers, which then stop at once instead of waiting for it.
  void fail() { fabric_.fail(); }

 private:
  // What completions are about (`Tag::about`). Gets of parameters have kFirstFetch + their bucket.
  static constexpr std::uint32_t kOther = 0;
  static constexpr std::uint32_t kPut = 1;
  static constexpr std::uint32_t kState = 2;
  static constexpr std::uint32_t kFirstFetch = 3;

  void connect(const std::vector<ConnectionOffer>& offers);
  void await_end();
  void on_completion(const Completion& completion, const Tag& tag);
  /// As `CompletionLoop::wait_until` and `poll`; `on_completion` gets what completes.
  template <class... Conditions>
  void wait_until(Conditions&&... conditions) {
    fabric_.loop().wait_until([this](const auto&... news) { on_completion(news...); }, conditions...);
  }
  void poll() {
    fabric_.loop().poll([this](const auto&... news) { on_completion(news...); });
  }
  bool usable(std::size_t buckets);
  void await_buckets(std::size_t buckets);
  int awaited() const;
  void note_computed();
  void begin_hand_over();
  bool hand_over_early();
  bool gradients_complete() const;
  void note_device_times();
  void note_copies();
  template <class Done>
  void await_device(Done&& done);
  static std::uint64_t put_tag(const GeneratorPeer& peer);
  void require_ok(const Status& status, const GeneratorPeer& peer) const {
    if (!status.ok()) fabric_.loop().throw_for(status, peer.link.peer.rank);
  }
  void put_records(const Batch& batch);
  void get_state(GeneratorPeer& peer, std::size_t offset, std::span<std::byte> to);
  GeneratorPeer& lead() { return *generators_.front(); }

  std::size_t state_bytes_;
  std::size_t states_;  // that the optimizer keeps
  Fabric fabric_;
  const BucketLayout& layout_;
  TensorWindows windows_;
  std::vector<std::byte> landing_;                          // of states that are not mapped
  std::optional<Slab> landing_slab_;                        // of that
  std::vector<std::unique_ptr<GeneratorPeer>> generators_;  // by generator
  TensorStreams streams_;  // empty without a device; ended before the memory that they copy to and from
  std::vector<PathReport> paths_;
  BucketCountdown countdown_;
  std::uint64_t step_;
  std::uint64_t adopted_ = 0;  // steps without gradients
  bool trainers_decide_ = false;
  bool state_arrived_ = false;
  std::size_t usable_ = 0;                // buckets from the first on that the current step may read
  std::int64_t pushed_ns_ = 0;            // when the last step was handed over
  std::int64_t usable_ns_ = 0;            // when all parameters of the current step were found to be usable
  std::int64_t parameters_ready_ns_ = 0;  // the same, where they were waited for; 0: they were there before
  std::int64_t exposed_ns_ = 0;           // waited for them, in this step
  std::uint64_t evaluations_ = 0;
};

}  // namespace runnel
