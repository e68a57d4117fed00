// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/awaited_signals.h"

#include <unistd.h>

#include "runtime/launch/job_control.h"
#include "runtime/launch/stop_signals.h"

namespace runnel {
namespace {

sigset_t awaited_signals() {
  sigset_t signals;
  const sigset_t suspending = suspending_signals();
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  if (sighup_ends_process()) sigaddset(&signals, SIGHUP);
  sigorset(&signals, &signals, &suspending);
  return signals;
}

}  // namespace

AwaitedSignals::AwaitedSignals() {
  const sigset_t signals = awaited_signals();
  sigprocmask(SIG_BLOCK, &signals, &before_);
  fd_ = OwnedFd::checked(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

AwaitedSignals::~AwaitedSignals() {
  if (restore_) sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<signalfd_siginfo> AwaitedSignals::take() const {
  signalfd_siginfo info{};
  return read(fd_.get(), &info, sizeof info) == sizeof info ? std::optional(info) : std::nullopt;
}

}  // namespace runnel
