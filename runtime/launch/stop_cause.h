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
  no_heartbeat = 3,          ///< stopped, hung, or cut off from the network
  own_error = 4,             ///< the process has reported an error of its own
  interrupted = 5,           ///< SIGINT
  terminated = 6,            ///< SIGTERM
  launcher_interrupted = 7,  ///< the launcher of all ranks got SIGINT, and reports it
  launcher_terminated = 8,   ///< the same, SIGTERM
  invalid_word = 9,          ///< the peer sent something that is not a heartbeat word
  not_finite = 10,           ///< the process has reported a loss or parameter that is not finite
  announced = 11,            ///< SIGUSR1, by which batch systems announce a time limit
};

/// Whether the cause is a signal rather than a loss.
constexpr bool is_signal(StopCause cause) {
  return (cause >= StopCause::interrupted && cause <= StopCause::launcher_terminated) || cause == StopCause::announced;
}

struct Stop {
  StopCause cause = StopCause::none;
  int rank = 0;            ///< who is lost, has failed, or got the signal
  bool reported = false;   ///< another process has reported it, and this one was notified
  std::uint64_t word = 0;  ///< of `invalid_word`: what was received; does not travel
};

}  // namespace runnel
