// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <csignal>
#include <functional>

namespace runnel {

/// What the runtime may do with the process that it runs in.
struct ProcessPolicy {
  /// How often `while_waiting` is called.
  static constexpr std::chrono::milliseconds kInterval{50};

  /// Whether the process is the runtime's own. Then it blocks and reads the signals that end a run, and ends the
  /// process after a loss when the main thread does not. In a process of somebody else, such as an interpreter, it
  /// touches no signal and ends nothing: each call throws, with a text of its own.
  bool owned = true;

  /// Called in every wait about once in `kInterval`, on the thread that waits. What it throws comes out of the wait and
  /// ends the run: nothing but `fail` may be called afterwards. Empty: nothing is called.
  std::function<void()> while_waiting = {};
};

/// Blocks all signals in the thread that makes it, and in those which it starts, until it is destroyed. Threads that
/// were started meanwhile keep them blocked.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace runnel
