// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace runnel {

/// Finds out that a mpirun whose ranks are all on this host waits for nothing, or for a rank that somebody has stopped.
///
/// A rank that is stopped during a step is found earlier, by heartbeats. Time in which this process itself was stopped
/// does not count.
class StallWatch {
 public:
  struct Limits {
    std::chrono::milliseconds without_ranks{5000};  ///< after all ranks ended: mpirun sleeps up to 2 s before it ends
    std::chrono::milliseconds first_rank{60'000};   ///< until mpirun has started a rank
    std::chrono::milliseconds rank_stopped{4500};
  };

  explicit StallWatch(pid_t mpirun) : StallWatch(mpirun, Limits()) {}
  StallWatch(pid_t mpirun, const Limits& limits) : mpirun_(mpirun), limits_(limits) {}

  /// Looks at the processes. Called about every 100 ms. Gives the reason to kill mpirun, if there is one.
  std::optional<std::string> look();

 private:
  using Clock = std::chrono::steady_clock;

  pid_t mpirun_;
  Limits limits_;
  bool had_ranks_ = false;
  std::chrono::milliseconds without_ranks_{0};
  std::chrono::milliseconds stopped_{0};
  Clock::time_point last_look_ = Clock::now();
};

}  // namespace runnel
