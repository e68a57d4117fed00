// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace runnel {

/// Why a run has to stop before its end. The numbers travel in heartbeat words.
enum class StopCause : std::uint8_t {
  none = 0,
  process_ended = 1,         ///< a peer on this host has ended (pidfd)
  connection_lost = 2,       ///< UCX reported the peer's endpoint
  no_heartbeat = 3,          ///< stopped, hung, or behind a broken network
  own_error = 4,             ///< the process ends itself, after a line of its own
  interrupted = 5,           ///< SIGINT
  terminated = 6,            ///< SIGTERM
  launcher_interrupted = 7,  ///< the launcher of all ranks got SIGINT, and says so itself
  launcher_terminated = 8,   ///< the same, SIGTERM
  nonsense = 9,              ///< what the peer rings is no word
  not_finite = 10,           ///< a loss or parameter is not finite: the process ends itself, after a line of its own
};

/// Whether a signal has caused it, and no loss.
constexpr bool is_signal(StopCause cause) {
  return cause >= StopCause::interrupted && cause <= StopCause::launcher_terminated;
}

struct Stop {
  StopCause cause = StopCause::none;
  int rank = 0;           ///< who is lost, has failed, or got the signal
  bool reported = false;  ///< by another process, from which this one learned it
};

}  // namespace runnel
