// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "runtime/base/run_error.h"
#include "runtime/base/signal_description.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/stop_signals.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What a shell gives for a command that it could not find.
constexpr int kNotStarted = 127;

std::string this_program() {
  std::array<char, 4096> path{};
  const auto length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0) throw RunError(ExitStatus::os_limit, "cannot read /proc/self/exe: is /proc mounted?");
  return {path.data(), static_cast<std::size_t>(length)};
}

/// mpirun's options for ranks on `hosts`. Its remote shell has no terminal to ask for a password on, and waits minutes
/// for a host that does not answer; a user's own setting of it stays.
std::vector<std::string> placement_on(const std::string& hosts) {
  std::vector<std::string> options = {"--host", hosts};
  if (std::getenv("OMPI_MCA_plm_rsh_agent") == nullptr && std::getenv("OMPI_MCA_plm_rsh_args") == nullptr) {
    options.insert(options.end(), {"--mca", "plm_rsh_args", "-x -o BatchMode=yes -o ConnectTimeout=5"});
  }
  return options;
}

/// More processes than cores is the normal case on one machine, so ranks are bound to no core; and no remote shell is
/// needed unless there are `hosts`. Quiet: Runnel's own lines say what happened.
std::vector<std::string> mpirun_command(int ranks, const std::string& session_folder,
                                        const std::vector<std::string>& arguments, const std::string& hosts) {
  std::vector<std::string> command = {"mpirun", "-q", "--oversubscribe",    "--bind-to",
                                      "none",   "-n", std::to_string(ranks)};
  if (geteuid() == 0) command.insert(command.begin() + 1, "--allow-run-as-root");
  const auto placement =
      hosts.empty() ? std::vector<std::string>{"--mca", "plm", "isolated", "--mca", "orte_tmpdir_base", session_folder}
                    : placement_on(hosts);
  command.insert(command.end(), placement.begin(), placement.end());
  command.push_back(this_program());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

/// A command that shows what mpirun's quiet hides: of several hosts, whether they are reached.
std::string try_by_hand(int ranks, const std::vector<std::string>& arguments, const std::string& hosts) {
  if (!hosts.empty()) return "mpirun --host " + hosts + " hostname";
  std::string command = "mpirun -n " + std::to_string(ranks) + " runnel";
  for (const std::string& argument : arguments) command += " " + argument;
  return command;
}

/// How long ranks have to end after a stop. They need a tenth of it, and the run ends within 2 s.
constexpr milliseconds kStopTime{900};

sigset_t launcher_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals, signal);
  if (sighup_ends_process()) sigaddset(&signals, SIGHUP);
  return signals;
}

/// A folder for mpirun's own files, which it leaves behind when it is killed.
class SessionFolder {
 public:
  SessionFolder() {
    std::error_code error;
    path_ = std::filesystem::temp_directory_path(error) / "runnel-XXXXXX";
    if (!error && mkdtemp(path_.data()) != nullptr) return;
    throw RunError(ExitStatus::cannot_create, "cannot make the folder " + path_ + ": " +
                                                  (error ? error.message() : std::strerror(errno)) +
                                                  "; set TMPDIR to one that can be written to");
  }
  ~SessionFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  SessionFolder(const SessionFolder&) = delete;
  SessionFolder& operator=(const SessionFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// In the child: becomes mpirun, in a process group of its own, so that a terminal's Ctrl-C reaches only the launcher.
[[noreturn]] void become(std::vector<std::string>& command) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const sigset_t signals = launcher_signals();
  sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(kNotStarted);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", error)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

/// mpirun itself would need up to three seconds. Who has children is stopped first, so that it starts no more
/// meanwhile.
void kill_with_descendants(pid_t process) {
  kill(process, SIGSTOP);
  for (const pid_t child : children_of(process)) kill_with_descendants(child);
  kill(process, SIGKILL);
}

struct EndOfMpirun {
  int status = 0;        ///< as waitpid gives it
  int stop_signal = 0;   ///< what this process was told to stop with before; 0 when it was not
  bool is_late = false;  ///< the deadline has passed, and it was killed
};

EndOfMpirun wait_for(pid_t mpirun, const std::optional<Deadline>& deadline) {
  const sigset_t signals = launcher_signals();
  EndOfMpirun end;
  auto kill_at = Clock::time_point::max();
  for (;;) {
    const pid_t ended = waitpid(mpirun, &end.status, WNOHANG);
    if (ended == mpirun) return end;
    if (ended < 0) throw RunError(ExitStatus::internal, std::string("waitpid: ") + std::strerror(errno));
    end.is_late |= deadline && deadline->expired();
    if (end.is_late || Clock::now() >= kill_at) kill_with_descendants(mpirun);
    const timespec nap = {.tv_sec = 0, .tv_nsec = 100'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &nap);
    if (end.stop_signal != 0 || (signal != SIGINT && signal != SIGTERM && signal != SIGHUP)) continue;
    end.stop_signal = signal;
    kill_at = Clock::now() + kStopTime;
    kill(mpirun, signal_to_ranks(signal));
  }
}

/// Whether `fd` is a pipe that nobody reads any more.
bool is_reader_gone(int fd) {
  pollfd pipe = {.fd = fd, .events = 0, .revents = 0};
  return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

/// mpirun gives the status of the first rank that failed, or 128 and the signal's number when one was killed.
/// `by_hand`: as `try_by_hand` gives it.
int status_of_ranks(const EndOfMpirun& end, const std::string& by_hand) {
  if (end.stop_signal != 0) throw stopped_by(end.stop_signal);
  if (end.is_late) {
    throw RunError(ExitStatus::peer_lost,
                   "mpirun did not end in time and was killed; start it by hand to see where it hangs: " + by_hand);
  }
  const int status = end.status;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code == 0 ||
      (code >= static_cast<int>(ExitStatus::usage) && code <= static_cast<int>(ExitStatus::bad_configuration))) {
    return code;
  }
  if (code == kNotStarted) {
    throw RunError(ExitStatus::os_limit,
                   "cannot start mpirun; install Open MPI (cmake/install-deps.sh does) and put it on PATH");
  }
  if (is_reader_gone(STDOUT_FILENO)) {
    throw RunError(ExitStatus::cannot_write,
                   "standard output was closed before the run had ended; send it to a file (> run.log)");
  }
  if (WIFSIGNALED(status)) {
    throw RunError(ExitStatus::peer_lost,
                   "mpirun was ended by " + describe_signal(WTERMSIG(status)) + "; the run ends here: start it again");
  }
  if (code > 128 && code < 128 + NSIG) {
    throw RunError(ExitStatus::peer_lost, "a rank was ended by " + describe_signal(code - 128) + "; the run ends here");
  }
  throw RunError(ExitStatus::os_limit,
                 "mpirun ended with status " + std::to_string(code) + "; start it by hand to see why: " + by_hand);
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

int launch_ranks(int ranks, const std::vector<std::string>& arguments, const std::string& hosts,
                 const std::optional<Deadline>& deadline) {
  const SessionFolder session;
  std::vector<std::string> command = mpirun_command(ranks, session.path(), arguments, hosts);
  set_environment_of_ranks();
  const sigset_t signals = launcher_signals();
  sigset_t before{};
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = fork();
  if (child < 0) throw RunError(ExitStatus::os_limit, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) become(command);
  const EndOfMpirun end = wait_for(child, deadline);
  if (end.stop_signal == 0) sigprocmask(SIG_SETMASK, &before, nullptr);
  return status_of_ranks(end, try_by_hand(ranks, arguments, hosts));
}

}  // namespace runnel
