// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/stall_watch.h"

#include <algorithm>

#include "runtime/launch/process_tree.h"

namespace runnel {

std::optional<std::string> StallWatch::look() {
  const auto now = Clock::now();
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_look_);
  if (passed < std::chrono::milliseconds(50)) return std::nullopt;
  last_look_ = now;
  bool is_living = false;
  pid_t stopped = 0;
  for (const pid_t rank : children_of(mpirun_)) {
    had_ranks_ = true;
    const char state = state_of(rank).letter;
    if (state != 'Z' && state != '\0') is_living = true;
    if (state == 'T') stopped = rank;
  }
  const auto counted = std::min(passed, std::chrono::milliseconds(200));
  without_ranks_ = is_living ? std::chrono::milliseconds(0) : without_ranks_ + counted;
  stopped_ = stopped == 0 ? std::chrono::milliseconds(0) : stopped_ + counted;
  if (stopped_ >= limits_.rank_stopped) {
    return "the rank with process id " + std::to_string(stopped) +
           " is stopped phase=bootstrap; start the run again, and continue what is stopped with kill -CONT";
  }
  if (without_ranks_ < (had_ranks_ ? limits_.without_ranks : limits_.first_rank)) return std::nullopt;
  return had_ranks_ ? "all ranks have ended, but mpirun has not" : "mpirun has started no rank in time";
}

}  // namespace runnel
