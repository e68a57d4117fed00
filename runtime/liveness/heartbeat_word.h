// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/launch/stop_cause.h"

namespace runnel {

/// The word that a process rings at its peers every 100 ms. Words grow with the state, then with the counter.
struct HeartbeatWord {
  /// `asked_to_end`: it goes on until the lead ends the run, which a signal asks for.
  enum class State : std::uint8_t { alive = 0, asked_to_end = 1, leaving = 2, stopping = 3 };

  State state = State::alive;
  std::uint16_t checkpoints = 0;  ///< of a process that is alive: how often signals have asked it for a checkpoint
  Stop stop;                      ///< of one that is stopping, or asked to end; `reported` does not travel
  std::uint64_t counter = 0;      ///< < 2^36

  std::uint64_t encode() const;

  /// Nothing when `word`, which another process has written, is invalid.
  static std::optional<HeartbeatWord> decode(std::uint64_t word);
};

}  // namespace runnel
