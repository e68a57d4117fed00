// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/stop_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "runtime/launch/launch_place.h"

namespace runnel {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM}) sigaddset(&signals, signal);
  if (sighup_ends_process()) sigaddset(&signals, SIGHUP);
  return signals;
}

int open_signals() {
  const sigset_t signals = stop_signals();
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

bool sighup_ends_process() {
  struct sigaction action {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler != SIG_IGN;
}

sigset_t user_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGABRT, SIGXCPU}) {
    sigaddset(&signals, signal);
  }
  if (sighup_ends_process()) sigaddset(&signals, SIGHUP);
  return signals;
}

BlockedStopSignals::BlockedStopSignals() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

StopSignals::StopSignals() : fd_(OwnedFd::checked(open_signals(), "signalfd")) {}

std::optional<StopCause> StopSignals::take() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  const auto signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGINT) return StopCause::interrupted;
  if (signal == SIGTERM || signal == SIGHUP) return StopCause::terminated;
  if (signal == SIGUSR1) return StopCause::announced;
  // Somebody else than the launcher's mpirun may send them, and then nobody but this process can say so.
  const bool from_launcher = started_by_launcher() && static_cast<pid_t>(info.ssi_pid) == getppid();
  if (!from_launcher) return StopCause::terminated;
  return signal == signal_to_ranks(SIGINT) ? StopCause::launcher_interrupted : StopCause::launcher_terminated;
}

int signal_of(StopCause cause) {
  if (cause == StopCause::announced) return SIGUSR1;
  const bool interrupted = cause == StopCause::interrupted || cause == StopCause::launcher_interrupted;
  return interrupted ? SIGINT : SIGTERM;
}

void throw_stopped(const Stop& stop, const std::string& outcome) {
  if (stop.cause == StopCause::launcher_interrupted) throw StoppedByLauncher(ExitStatus::interrupted);
  if (stop.cause == StopCause::launcher_terminated) throw StoppedByLauncher(ExitStatus::terminated);
  const RunError error = stopped_by(signal_of(stop.cause), outcome);
  if (stop.reported) throw AlreadyReported(error.status());
  throw error;
}

int signal_to_ranks(int stop_signal) {
  return stop_signal == SIGINT ? SIGALRM : SIGUSR2;
}

}  // namespace runnel
