// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/job_control.h"

#include "runtime/launch/process_tree.h"
#include "transport/suspended_time.h"

namespace runnel {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void signal_descendants(pid_t process, int signal) {
  for (const pid_t child : children_of(process)) {
    kill(child, signal);
    signal_descendants(child, signal);
  }
}

/// Returns at once where no shell could continue this process (an orphaned process group): the system then ignores the
/// signal, which SIGSTOP would not give it the choice to.
void suspend_this_process() {
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, &before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

sigset_t suspending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTSTP, SIGTTOU, SIGTTIN}) {
    if (!is_ignored(signal)) sigaddset(&signals, signal);
  }
  return signals;
}

void leave_terminal_signals_to_launcher() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGQUIT, SIGTSTP, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
}

void suspend_with(pid_t mpirun) {
  kill(mpirun, SIGSTOP);  // first: it would pass on to ranks what reaches it
  signal_descendants(mpirun, SIGTSTP);
  suspend_this_process();
  signal_descendants(mpirun, SIGCONT);
  kill(mpirun, SIGCONT);
}

void suspend_with(const std::vector<pid_t>& processes) {
  for (const pid_t process : processes) kill(process, SIGTSTP);
  suspend_this_process();
  for (const pid_t process : processes) kill(process, SIGCONT);
}

void count_suspended_time() {
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    SuspendedTime::begin();
    raise(SIGSTOP);  // to this thread: it stops the process before it returns
    SuspendedTime::end();
  };
  sigaction(SIGTSTP, &action, nullptr);
}

}  // namespace runnel
