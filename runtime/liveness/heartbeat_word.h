// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/launch/stop_cause.h"

namespace runnel {

/// The word that a process rings at its peers every 100 ms. Words grow with the state, then with the counter.
struct HeartbeatWord {
  enum class State : std::uint8_t { alive = 0, leaving = 1, stopping = 2 };

  State state = State::alive;
  Stop stop;                  ///< of a stopping process; `reported` does not travel
  std::uint64_t counter = 0;  ///< < 2^36

  std::uint64_t encode() const;

  /// Nothing when `word`, which another process has written, is invalid.
  static std::optional<HeartbeatWord> decode(std::uint64_t word);
};

}  // namespace runnel
