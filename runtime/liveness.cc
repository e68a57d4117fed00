// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness.h"

#include <unistd.h>

#include <sstream>

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

const char* describe(StopCause cause) {
  switch (cause) {
    case StopCause::process_ended:
      return "its process has ended";
    case StopCause::connection_lost:
      return "its connection broke";
    case StopCause::no_heartbeat:
      return "no heartbeat for 2 s";
    default:
      return "unknown";
  }
}

}  // namespace

Liveness::Liveness(Context& context, const PeerGroup& group)
    : group_(group),
      thread_(context, group,
              {.on_stop = [this](const Stop& reason) { on_stop(reason); }, .on_overdue = [this] { end_process(); }}) {}

void Liveness::interrupt_on_stop(Waiter* waiter) {
  waiter_.store(waiter);
  if (waiter != nullptr && stopping()) waiter->interrupt();
}

RunError Liveness::stop_error() const {
  if (stop_.reported) {
    const bool signal = stop_.cause == StopCause::interrupted || stop_.cause == StopCause::terminated;
    if (!signal) return {ExitStatus::peer_lost, ""};
    return {stop_.cause == StopCause::interrupted ? ExitStatus::interrupted : ExitStatus::terminated, ""};
  }
  switch (stop_.cause) {
    case StopCause::interrupted:
      return {ExitStatus::interrupted, "interrupted by SIGINT; the run ends without a result"};
    case StopCause::terminated:
      return {ExitStatus::terminated, "ended by SIGTERM; the run ends without a result"};
    default:
      return lost_error(stop_.rank, describe(stop_.cause));
  }
}

RunError Liveness::lost_error(int rank, const std::string& cause) const {
  const Peer& peer = group_.at(rank);
  std::ostringstream line;
  line << peer.name() << " is lost rank=" << group_.self().rank << " peer=" << rank << " host=" << peer.host.name
       << " pid=" << peer.pid << " phase=" << to_string(phase_.load()) << " step=" << step_.load() << " cause=" << cause
       << "; the run ends here: look at that host, then start the run again";
  return {ExitStatus::peer_lost, line.str()};
}

void Liveness::on_stop(const Stop& reason) {
  stop_ = reason;
  stopping_.store(true);
  if (Waiter* waiter = waiter_.load()) waiter->interrupt();
}

void Liveness::end_process() const {
  const RunError error = stop_error();
  if (error.what()[0] != '\0') log_error(error.what());
  _exit(static_cast<int>(error.status()));
}

}  // namespace runnel
