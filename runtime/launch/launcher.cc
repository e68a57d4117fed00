// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "runtime/base/run_error.h"
#include "runtime/base/signal_description.h"
#include "runtime/launch/job_control.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/mpi_segments.h"
#include "runtime/launch/mpirun_command.h"
#include "runtime/launch/mpirun_messages.h"
#include "runtime/launch/patient_kill.h"
#include "runtime/launch/process_tree.h"
#include "runtime/launch/session_folder.h"
#include "runtime/launch/stall_watch.h"
#include "runtime/launch/stop_signals.h"
#include "transport/owned_fd.h"
#include "transport/shared_memory.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What a shell gives for a command that it could not find.
constexpr int kNotStarted = 127;

/// How long ranks have to end after a stop. They need a tenth of it, and the run ends within 2 s.
constexpr milliseconds kStopTime{900};

/// What ranks need to end by themselves when `signal_grace` has passed.
constexpr milliseconds kAfterGrace{2000};

/// timeout(1) sends one signal twice, to its child and to its process group; a user who asks twice needs longer.
constexpr milliseconds kSameSignal{50};

/// What `MpirunWait` takes.
sigset_t launcher_signals() {
  sigset_t signals;
  const sigset_t stopping = user_stop_signals();
  const sigset_t suspending = suspending_signals();
  sigorset(&signals, &stopping, &suspending);
  sigaddset(&signals, SIGCHLD);
  return signals;
}

/// In the child: becomes mpirun.
[[noreturn]] void become(MpirunCommand& command, int standard_error) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  leave_terminal_signals_to_launcher();
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(standard_error, STDERR_FILENO);
  for (const auto& [name, value] : command.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  argv.reserve(command.argv.size() + 1);
  for (std::string& word : command.argv) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(kNotStarted);
}

struct EndOfMpirun {
  int status = 0;           ///< as waitpid gives it
  int stop_signal = 0;      ///< the signal that ended this process's wait; 0: none
  std::string stall;        ///< why it was killed by this process; empty when it was not
  std::string messages;     ///< Open MPI's own: see MessageFilter
  bool is_of_rank = false;  ///< whether a message is that a rank has failed
  bool is_killed = false;   ///< whether a message is that a signal killed a rank
};

/// mpirun, until it has ended: passes its messages and this process's stop signals on.
class MpirunWait {
 public:
  MpirunWait(pid_t mpirun, MpirunMessages& messages, const LaunchSettings& settings)
      : mpirun_(mpirun), messages_(messages), settings_(settings), stalls_(mpirun) {
    const sigset_t signals = launcher_signals();
    signals_ = OwnedFd::checked(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  }

  EndOfMpirun wait() {
    while (!has_ended()) {
      segments_.learn(mpirun_);
      if (end_.stall.empty()) end_.stall = find_stall();
      if (!end_.stall.empty() || Clock::now() >= kill_at_) kill_with_descendants(mpirun_);
      std::array<pollfd, 2> fds = {{{signals_.get(), POLLIN, 0}, {messages_.fd(), POLLIN, 0}}};
      poll(fds.data(), fds.size(), 100);
      messages_.relay();
      pass_signal_on();
    }
    messages_.relay();
    end_.messages = messages_.held();
    end_.is_of_rank = messages_.reports_end_of_rank();
    end_.is_killed = messages_.reports_signal_of_rank();
    if (end_.status != 0 || end_.stop_signal != 0) segments_.remove();
    return end_;
  }

 private:
  bool has_ended() {
    const pid_t ended = waitpid(mpirun_, &end_.status, WNOHANG);
    if (ended < 0) throw RunError(ExitStatus::internal, std::string("waitpid: ") + std::strerror(errno));
    return ended == mpirun_;
  }

  std::string find_stall() {
    if (settings_.deadline && settings_.deadline->expired()) return "mpirun did not end in time";
    return settings_.hosts.empty() ? stalls_.look().value_or("") : "";
  }

  void pass_signal_on() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
      const auto signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGCHLD) continue;
      if (sigismember(&suspending_, signal) == 0) {
        stop(signal);
      } else if (end_.stop_signal == 0) {
        suspend_with(mpirun_);
      }
    }
  }

  /// A user who asks twice does not wait for ranks that may hang.
  void stop(int signal) {
    const bool makes_checkpoints = settings_.signal_grace.count() > 0;
    if (makes_checkpoints && signal == SIGUSR1) {
      kill(mpirun_, SIGUSR1);  // ranks make one and continue
      return;
    }
    const bool is_second = end_.stop_signal != 0;
    if (is_second && Clock::now() < stopped_at_ + kSameSignal) return;
    const milliseconds time = makes_checkpoints ? settings_.signal_grace + kAfterGrace : kStopTime;
    kill_at_ = is_second ? Clock::now() : Clock::now() + time;
    if (is_second) return;
    end_.stop_signal = signal;
    stopped_at_ = Clock::now();
    kill(mpirun_, signal_to_ranks(signal));
  }

  pid_t mpirun_;
  MpirunMessages& messages_;
  LaunchSettings settings_;
  StallWatch stalls_;
  MpiSegments segments_;
  const sigset_t suspending_ = suspending_signals();
  OwnedFd signals_;
  Clock::time_point stopped_at_;
  Clock::time_point kill_at_ = Clock::time_point::max();
  EndOfMpirun end_;
};

/// Whether `fd` is a pipe that nobody reads any more.
bool is_reader_gone(int fd) {
  pollfd pipe = {.fd = fd, .events = 0, .revents = 0};
  return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

/// Throws when the user may not have as many processes and threads as the job has needed. What is refused one fails in
/// any way, and most do not report it.
void require_processes(int ranks) {
  // Measured: 4 of mpirun and 5 a rank, and a rank has more where trainer.threads or generator.threads say so.
  constexpr int kOfMpirun = 6;
  constexpr int kOfRank = 6;
  rlimit limit{};
  if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const int used = tasks_of_user();
  const int needed = kOfMpirun + kOfRank * ranks;
  if (static_cast<rlim_t>(used + needed) <= limit.rlim_cur) return;
  throw RunError(ExitStatus::os_limit, "the limit of processes and threads is " + std::to_string(limit.rlim_cur) +
                                           ", this user has " + std::to_string(used) + ", and a job of " +
                                           std::to_string(ranks) + " processes needs about " + std::to_string(needed) +
                                           " more: raise it with ulimit -u, or nproc in limits.conf");
}

/// As a shell gives it.
int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Whether a rank has ended with one of our statuses, and so has reported why.
bool is_status_of_rank(int code) {
  return code == 0 ||
         (code >= static_cast<int>(ExitStatus::usage) && code <= static_cast<int>(ExitStatus::bad_configuration));
}

/// Nobody else has reported this end: what Open MPI wrote comes first.
RunError unreported(ExitStatus status, const std::string& what, const EndOfMpirun& end, const MpirunCommand& command) {
  if (!end.messages.empty()) write_to_stderr("mpirun wrote:\n" + end.messages);
  return {status, what + "; it was started as: " + command.line()};
}

/// Whether `code` is 128 and the number of the signal that killed a rank. mpirun's own errors have such codes, too, and
/// messages of another kind; a user's mpirun may be set to write none.
bool is_signal_of_rank(int code, const EndOfMpirun& end) {
  return code > 128 && code < 128 + NSIG && (end.is_of_rank || end.messages.empty());
}

/// mpirun gives the status of the first rank that failed, or 128 and the signal's number when one was killed.
int status_of_ranks(const EndOfMpirun& end, const MpirunCommand& command, bool makes_checkpoints) {
  if (end.stop_signal != 0 && !makes_checkpoints) throw stopped_by(end.stop_signal);
  if (end.stop_signal != 0) throw stopped_by(end.stop_signal, "--resume continues the run from its newest checkpoint");
  if (!end.stall.empty()) throw unreported(ExitStatus::peer_lost, end.stall + "; mpirun was killed", end, command);
  const int code = code_of(end.status);
  if (is_status_of_rank(code)) return code;
  const bool is_stop = code == 128 + SIGINT || code == 128 + SIGTERM;
  if (makes_checkpoints && is_stop && !end.is_killed) return code;  // a signal to a rank, which the lead has reported
  if (code == kNotStarted && end.messages.empty()) {
    throw RunError(ExitStatus::os_limit,
                   "cannot start mpirun; install Open MPI (cmake/install-deps.sh does) and put it on PATH");
  }
  if (is_reader_gone(STDOUT_FILENO)) {
    throw RunError(ExitStatus::cannot_write,
                   "standard output was closed before the run had ended; send it to a file (> run.log)");
  }
  if (WIFSIGNALED(end.status)) {
    throw unreported(ExitStatus::peer_lost, "mpirun was ended by " + describe_signal(WTERMSIG(end.status)), end,
                     command);
  }
  if (is_signal_of_rank(code, end)) {
    throw RunError(ExitStatus::peer_lost, "a rank was ended by " + describe_signal(code - 128) + "; the run ends here");
  }
  throw unreported(ExitStatus::os_limit, "mpirun ended with status " + std::to_string(code), end, command);
}

}  // namespace

std::int64_t open_files_needed(std::int64_t ranks) {
  return 40 + 4 * ranks;
}

void allow_open_files(std::int64_t needed, const std::string& job) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= static_cast<rlim_t>(needed)) return;
  const auto found = limit.rlim_cur;
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(needed));
  if (limit.rlim_cur == static_cast<rlim_t>(needed) && setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  throw RunError(ExitStatus::os_limit, "the limit of open files is " + std::to_string(found) + ", and " + job +
                                           " needs " + std::to_string(needed) + ": raise it with ulimit -n " +
                                           std::to_string(std::max<std::int64_t>(1024, needed)) +
                                           ", or nofile in limits.conf");
}

void prepare_launch(std::int64_t ranks) {
  allow_open_files(open_files_needed(ranks), "a job of " + std::to_string(ranks) + " processes");
  require_free_shared_memory(MpiSegments::bytes_needed(static_cast<std::size_t>(ranks)),
                             "MPI needs, while a job starts,", MpiSegments::kFolder);
}

int launch_ranks(int ranks, const std::vector<std::string>& arguments, const LaunchSettings& settings) {
  const SessionFolder session;
  MpirunCommand command = mpirun_command(ranks, session.path(), arguments, settings.hosts);
  if (settings.loss_grace.count() > 0) {
    command.environment.emplace_back(kKillGraceVariable, std::to_string(settings.loss_grace.count()));
  }
  set_environment_of_ranks(/*on_this_host=*/settings.hosts.empty());
  MpirunMessages messages;
  const sigset_t signals = launcher_signals();
  sigset_t before{};
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = fork();
  if (child < 0) {
    const std::string reason = std::strerror(errno);
    require_processes(ranks);
    throw RunError(ExitStatus::os_limit, "cannot start mpirun: " + reason + "; look for a limit of this container");
  }
  if (child == 0) become(command, messages.sink());
  messages.close_sink();
  std::signal(SIGPIPE, SIG_IGN);  // when nobody reads standard error any more, the status still arrives
  const EndOfMpirun end = MpirunWait(child, messages, settings).wait();
  if (end.stop_signal == 0) sigprocmask(SIG_SETMASK, &before, nullptr);
  if (end.stop_signal == 0 && !is_status_of_rank(code_of(end.status))) {
    session.require_room();
    require_processes(ranks);
  }
  return status_of_ranks(end, command, settings.signal_grace.count() > 0);
}

}  // namespace runnel
