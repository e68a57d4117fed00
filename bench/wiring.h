// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/job.h"
#include "transport/bell.h"
#include "transport/completion_queue.h"
#include "transport/context.h"
#include "transport/endpoint.h"
#include "transport/path.h"
#include "transport/path_probe.h"
#include "transport/region_descriptor.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/waiter.h"
#include "transport/worker.h"

namespace runnel {

/// This process's end of one measurement: transport, a slab, and a connection between rank 0 and each of its peers.
///
/// A slab holds a park word, for every partner a bell and a word that it rings and puts, the probe area, and the
/// payload. Partners are numbered from 0: rank 0's are its peers, a peer's only one is rank 0. A process that does not
/// take part has none. Errors that end the program are `RunError`s. Thread: the one that made it.
class Wiring {
 public:
  /// Collective over all processes of the job: connects, and proves the path by a PathProbe. Throws `Impossible`, in
  /// all processes, with the reason why the order's path is not available.
  Wiring(Job& job, const Order& order);

  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;

  std::size_t partners() const { return partners_.size(); }

  /// The payload: the same number of bytes on every side.
  std::span<std::byte> payload() const;

  /// Fills the payload with the pattern; and whether it holds the pattern.
  void fill_payload();
  bool payload_is_right() const;

  /// The word that `partner` put here last.
  std::uint64_t word(std::size_t partner) const;

  /// The value that `partner` rang last.
  std::uint64_t bell(std::size_t partner) const { return partners_[partner]->inbound.value(); }

  // Each posts one operation; where the queue is full it polls until there is a place.
  void put_word(std::size_t partner, std::uint64_t value);
  void put_payload(std::size_t partner);
  void get_payload(std::size_t partner);
  void ring(std::size_t partner, std::uint64_t value);
  void put_payload_and_ring(std::size_t partner, std::uint64_t value);

  /// Polls until `done()`, and never sleeps: what a latency is measured with.
  template <class Done>
  void poll_until(Done&& done) {
    std::optional<Deadline> deadline;
    for (unsigned polls = 1; !done(); ++polls) {
      poll();
      if (polls % kPollsPerCheck == 0) check_and_yield(deadline);
    }
  }

  /// Waits as a run does: polls, yields, parks.
  template <class Done>
  void wait_until(Done&& done) {
    const auto ready = [&] {
      poll();
      return done();
    };
    const Status status = waiter_->wait(ready, Deadline::after(timeout_));
    if (!status.ok()) fail(status.message());
  }

  /// Polls until every operation of this process is complete.
  void complete_all() {
    poll_until([this] { return queue_->in_flight() == 0; });
  }

  /// What bells carry: first hello, then a peer's ready where it has to prepare, then the rounds of a measurement.
  static constexpr std::uint64_t kHello = 1;
  static constexpr std::uint64_t kReady = 2;

  /// Rank 0 rings this last; the peer then ends the measurement.
  static constexpr std::uint64_t kLeave = std::uint64_t{1} << 62;
  bool ended_by_rank_0() const { return bell(0) >= kLeave; }

  /// Collective: disconnects. `is_right`: whether this process found the expected bytes. Throws `RunError` on rank 0
  /// when some process did not.
  void disconnect(bool is_right);

  /// The path and transports to the first peer, for a benchmark's label.
  std::string description() const;

  /// From knowing the addresses until a bell of every partner was received and all of this side's had arrived.
  std::chrono::duration<double> connect_time() const { return connect_time_; }

 private:
  struct Partner {
    Partner(Wiring& wiring, std::size_t index, std::span<const std::byte> address, const RegionDescriptor& descriptor);

    Endpoint endpoint;
    RemoteRegion region;
    std::size_t remote_word;  ///< where in the partner's slab this process's word is; its bell is on the line before
    RemoteBell bell;
    Bell inbound;
  };

  // A latency of 100 ns must not contain a look at the clock. A peer that needs this core gets it within a millisecond.
  static constexpr unsigned kPollsPerCheck = 4096;

  void poll();
  void check_and_yield(std::optional<Deadline>& deadline);
  [[noreturn]] void fail(const std::string& what) const;
  template <class Request>
  void post(Request&& request);

  void make_own_end();
  std::vector<std::byte> offer() const;
  void connect(const std::vector<std::vector<std::byte>>& offers);
  void become_silent();
  void probe_partners();
  void park_for_path();
  void agree(const std::function<void()>& action);

  Job& job_;
  Order order_;
  bool takes_part_;
  std::chrono::seconds timeout_;  // of one wait
  std::optional<Context> context_;
  std::optional<Worker> worker_;
  std::optional<Slab> slab_;
  std::optional<CompletionQueue> queue_;
  std::optional<Waiter> waiter_;
  std::vector<std::unique_ptr<Partner>> partners_;
  std::vector<std::unique_ptr<PathProbe>> probes_;  // rank 0's; they may have transfers under way until they finish
  std::array<Completion, 64> completions_;
  std::chrono::duration<double> connect_time_{0};
};

}  // namespace runnel
