// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/end_policy.h"
#include "runtime/liveness/heartbeat_link.h"
#include "runtime/liveness/heartbeat_mailbox.h"
#include "runtime/liveness/heartbeat_word.h"
#include "transport/completion_queue.h"
#include "transport/slab.h"
#include "transport/worker.h"

namespace runnel {

/// The body of the heartbeat thread. Line 0 of its slab is a park word that nobody sleeps on; each further line is a
/// peer's bell. Thread: the heartbeat thread makes, runs and destroys it.
class HeartbeatLoop {
 public:
  static constexpr std::chrono::milliseconds kBeat{100};
  static constexpr std::chrono::milliseconds kTimeout{2000};

  /// How long the main thread has to end the process after a signal that ends the run at once: stays below mpirun's
  /// SIGKILL, which comes 1 s after its SIGTERM.
  static constexpr std::chrono::milliseconds kGraceAfterSignal{400};

  /// How long a peer is only suspected to be lost. Its last word may still arrive; and if several processes find the
  /// loss, the lead reports it first and notifies the others, which then end without a line.
  static constexpr std::chrono::milliseconds kSuspicionOfLead{50};
  static constexpr std::chrono::milliseconds kSuspicion{300};

  /// When a rank dies, mpirun sends SIGTERM to the others. So a SIGTERM counts only if no peer is found lost, and the
  /// lead reports no loss, within this time. With kGraceAfterSignal it stays below mpirun's SIGKILL.
  static constexpr std::chrono::milliseconds kSigtermDelay{300};
  static_assert(kSuspicionOfLead < kSigtermDelay && kSigtermDelay + kGraceAfterSignal < std::chrono::seconds(1));

  /// Several senders pass one event on: a batch system to every process, mpirun and a launcher to ranks. What comes
  /// within this time is one signal; the next one ends the run at once.
  static constexpr std::chrono::milliseconds kSameSignal{1000};

  /// How much later than the lead the others end by themselves after a wish: it reports that alone.
  static constexpr std::chrono::milliseconds kAfterLead{500};

  /// The arguments but `policy` outlive this. Throws `TransportError`.
  HeartbeatLoop(HeartbeatMailbox& mailbox, Context& context, const PeerGroup& group, const EndPolicy& policy);
  ~HeartbeatLoop();

  HeartbeatLoop(const HeartbeatLoop&) = delete;
  HeartbeatLoop& operator=(const HeartbeatLoop&) = delete;

  /// Adds this process's address and region to `offer`.
  void add_to(ConnectionOffer& offer) const;

  /// Returns when the mailbox orders the end.
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void connect(const std::vector<ConnectionOffer>& offers);
  void connect(HeartbeatLink& link, const ConnectionOffer& offer, std::size_t index);
  void reset_silence(Clock::time_point now);
  void beat();
  void handle_queue();
  void handle(const Completion& completion);
  void on_word(HeartbeatLink& link, std::uint64_t value);
  void suspect(HeartbeatLink& link, StopCause cause);
  void declare_lost(HeartbeatLink& link, StopCause cause, std::uint64_t word = 0);
  void check_silence(Clock::time_point now);
  void check_suspicions(Clock::time_point now);
  Clock::duration suspicion_time() const { return group_.is_lead() ? kSuspicionOfLead : kSuspicion; }
  void check_deadlines(Clock::time_point now);
  void check_farewell();
  void announce(HeartbeatWord::State state, const Stop& reason);
  void stop(const Stop& reason);
  bool needs_no_peers() const;
  bool takes_wishes() const;
  void on_signal(StopCause cause);
  void ask_to_end(const Stop& wish);
  void ask_for_checkpoint(int rank);
  void sleep_until(Clock::time_point next_beat);
  void take_signals();

  HeartbeatMailbox& mailbox_;
  const PeerGroup& group_;
  EndPolicy policy_;
  std::optional<StopSignals> signals_;
  std::vector<int> peers_;  // ranks
  Worker worker_;
  Slab slab_;
  CompletionQueue queue_;
  std::vector<std::unique_ptr<HeartbeatLink>> links_;  // of peers_; a queue's tag is its index
  bool connected_ = false;
  std::vector<pollfd> poll_fds_;
  HeartbeatWord word_;
  std::optional<Clock::time_point> sigterm_at_;
  std::optional<Clock::time_point> signal_at_;      // the first one that asked this process to end
  std::optional<Clock::time_point> checkpoint_at_;  // when a signal asked for one last
  std::optional<Stop> wish_;                        // the end of the run
  Clock::time_point wish_until_;
  std::optional<Clock::time_point> overdue_at_;
  Clock::time_point resumed_at_;  // after a pause in which peers may have declared this process lost
};

}  // namespace runnel
