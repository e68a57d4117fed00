// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/own_stop_signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "runtime/launch/stop_signals.h"

namespace runnel {
namespace {

std::atomic<int> stop_signal{0};

}  // namespace

void take_stop_signals() {
  const sigset_t signals = user_stop_signals();
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int signal) {
    const bool is_second = stop_signal.exchange(signal) != 0;
    const bool is_repeated_by_system = signal == SIGXCPU;
    if (is_second && !is_repeated_by_system) _exit(128 + (signal == SIGINT ? SIGINT : SIGTERM));
  };
  for (int signal = 1; signal < NSIG; ++signal) {
    // abort() must not come back.
    if (signal != SIGABRT && sigismember(&signals, signal) == 1) sigaction(signal, &action, nullptr);
  }
}

bool stop_requested() {
  return stop_signal.load() != 0;
}

void require_no_stop() {
  if (stop_requested()) throw stopped_by(stop_signal.load());
}

}  // namespace runnel
