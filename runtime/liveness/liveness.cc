// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/liveness.h"

#include <unistd.h>

#include <chrono>
#include <cstring>
#include <iomanip>
#include <sstream>
#include <thread>

#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/heartbeat_loop.h"
#include "transport/log.h"

namespace runnel {
namespace {

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::bootstrap:
      return "bootstrap";
    case Phase::push:
      return "push";
    case Phase::reduce:
      return "reduce";
    case Phase::publish:
      return "publish";
    case Phase::pull:
      return "pull";
    case Phase::evaluate:
      return "evaluate";
  }
  return "?";
}

constexpr const char* kLostRemedy = "look at that host, then start the run again";

/// How long the main thread, having found a broken connection, waits for the heartbeat thread to find the cause: a
/// loss, or the end of a process that has reported an error of its own.
constexpr std::chrono::milliseconds kVerdict = 2 * HeartbeatLoop::kSuspicion;

constexpr const char* kNoHeartbeat = "no heartbeat for 2 s";
static_assert(HeartbeatLoop::kTimeout == std::chrono::seconds(2));

/// The process that received the word reports it. Others, which were notified, do not know it.
std::string invalid_word(const Stop& stop) {
  std::ostringstream text;
  text << "it sent an invalid heartbeat word";
  if (!stop.reported) text << " 0x" << std::hex << std::setw(16) << std::setfill('0') << stop.word;
  return text.str();
}

std::string describe(const Stop& stop) {
  switch (stop.cause) {
    case StopCause::process_ended:
      return "its process has ended";
    case StopCause::connection_lost:
      return "its connection broke";
    case StopCause::no_heartbeat:
      return kNoHeartbeat;
    case StopCause::invalid_word:
      return invalid_word(stop);
    case StopCause::own_error:
      return "it ended with an error of its own";
    default:
      return "unknown";
  }
}

}  // namespace

const Loss* loss_of(const std::exception& error) {
  if (const auto* lost = dynamic_cast<const PeerLost*>(&error)) return &lost->loss();
  if (const auto* reported = dynamic_cast<const ReportedPeerLost*>(&error)) return &reported->loss();
  return nullptr;
}

Liveness::Liveness(Context& context, const PeerGroup& group, ProcessPolicy process, EndPolicy graces)
    : group_(group),
      process_(std::move(process)),
      thread_(context, group,
              {.on_stop = [this](const Stop& reason) { on_stop(reason); },
               .on_overdue = [this] { end_process(); },
               .on_wish = [this](const Stop& wish) { on_wish(wish); }},
              {.takes_signals = process_.owned, .wish_grace = graces.wish_grace, .loss_grace = graces.loss_grace}) {}

void Liveness::on_wait() {
  if (!process_.while_waiting) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - called_back_at_ < ProcessPolicy::kInterval) return;
  called_back_at_ = now;
  process_.while_waiting();
}

void Liveness::interrupt_on_stop(Waiter* waiter) {
  const std::lock_guard lock(waiter_mutex_);
  waiter_ = waiter;
  if (waiter != nullptr && stopping()) waiter->interrupt();
}

void Liveness::throw_stop() const {
  if (!process_.owned) throw_stop_with_text();
  if (is_signal(stop_.cause)) throw_stopped(stop_);
  if (stop_.cause == StopCause::not_finite) throw AlreadyReported(ExitStatus::bad_data);
  if (stop_.reported) throw ReportedPeerLost({.rank = stop_.rank, .cause = describe(stop_)});
  throw_about(stop_.rank, "lost", describe(stop_), kLostRemedy);
}

/// The rank that the stop is about has reported it on its own terminal, which the user of this process may not see.
void Liveness::throw_stop_with_text() const {
  if (is_signal(stop_.cause)) {
    const int signal = signal_of(stop_.cause);
    throw RunError(stopped_by(signal).status(),
                   group_.at(stop_.rank).name + " got SIG" + std::string(sigabbrev_np(signal)) + "; the run ends here");
  }
  if (stop_.cause == StopCause::not_finite) {
    throw RunError(ExitStatus::bad_data, "a loss or parameter is not finite; " + group_.at(stop_.rank).name +
                                             " reports which, and the run ends here");
  }
  throw_about(stop_.rank, "lost", describe(stop_), kLostRemedy);
}

void Liveness::throw_lost(int rank, const std::string& cause) const {
  const Deadline deadline = Deadline::after(kVerdict);
  while (!stopping() && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (stopping()) throw_stop();
  throw_about(rank, "lost", cause, kLostRemedy);
}

void Liveness::throw_late(int rank, const std::string& cause, const std::string& remedy) const {
  throw_about(rank, "late", cause, remedy);
}

void Liveness::throw_about(int rank, const char* state, const std::string& cause, const std::string& remedy) const {
  const Peer& peer = group_.at(rank);
  std::ostringstream line;
  line << peer.name << " is " << state << " rank=" << group_.self().rank << " peer=" << rank
       << " host=" << peer.host.name << " pid=" << peer.pid << " phase=" << to_string(phase_.load())
       << " step=" << step_.load() << " cause=" << cause << "; the run ends here: " << remedy;
  throw PeerLost({.rank = rank, .cause = cause}, line.str());
}

void Liveness::on_stop(const Stop& reason) {
  stop_ = reason;
  stopping_.store(true);
  const std::lock_guard lock(waiter_mutex_);
  if (waiter_ != nullptr) waiter_->interrupt();
}

void Liveness::on_wish(const Stop& wish) {
  if (wish.cause == StopCause::announced) return asked_for_checkpoint_.store(true);
  end_wish_ = wish;
  asked_to_end_.store(true);
}

Wish Liveness::take_wish() {
  if (asked_to_end_.load(std::memory_order_acquire)) return Wish::end;
  if (!asked_for_checkpoint_.load(std::memory_order_relaxed)) return Wish::none;
  asked_for_checkpoint_.store(false);
  return Wish::checkpoint;
}

void Liveness::end_as_wished(const std::string& outcome) {
  fail(end_wish_.cause);
  throw_stopped(end_wish_, outcome);
}

void Liveness::end_process() const {
  if (!process_.owned) return;  // the next call throws
  try {
    throw_stop();
  } catch (const RunError& error) {
    if (!is_reported(error) && !main_thread_reports_.load()) log_error(error.what());
    _exit(exit_code(error));
  }
}

}  // namespace runnel
