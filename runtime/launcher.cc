// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launcher.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "runtime/exit_status.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

constexpr const char* kLauncherVariable = "RUNNEL_LAUNCHER";
constexpr const char* kTerminalVariable = "RUNNEL_TERMINAL";

/// What a shell gives for a command that it could not find.
constexpr int kNotStarted = 127;

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc() || *end != '\0') return std::nullopt;
  return value;
}

std::string this_program() {
  std::array<char, 4096> path{};
  const auto length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0) throw RunError(ExitStatus::os_limit, "cannot read /proc/self/exe: is /proc mounted?");
  return {path.data(), static_cast<std::size_t>(length)};
}

/// More processes than cores is the normal case on one machine, so ranks are bound to no core; and no remote shell is
/// needed. Quiet: Runnel's own lines say what happened.
std::vector<std::string> mpirun_command(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"mpirun", "-q",  "--oversubscribe", "--bind-to", "none",
                                      "--mca",  "plm", "isolated",        "-n",        std::to_string(ranks)};
  if (geteuid() == 0) command.insert(command.begin() + 1, "--allow-run-as-root");
  command.push_back(this_program());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

/// In the child: becomes mpirun, in a process group of its own, so that a terminal's Ctrl-C reaches only the launcher.
[[noreturn]] void become(std::vector<std::string>& command) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(kNotStarted);
}

volatile std::sig_atomic_t stop_signal = 0;
volatile pid_t mpirun_pid = 0;

/// mpirun answers SIGTERM by ending all ranks within about two seconds. One that does not is stuck.
constexpr unsigned kStopSeconds = 4;

void forward_stop(int signal) {
  stop_signal = signal;
  if (mpirun_pid > 0) kill(mpirun_pid, SIGTERM);
  alarm(kStopSeconds);
}

/// The ranks end with their parent: see end_with_parent().
void kill_stuck_mpirun(int) {
  if (mpirun_pid > 0) kill(mpirun_pid, SIGKILL);
}

int wait_for_child(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw RunError(ExitStatus::internal, std::string("waitpid: ") + std::strerror(errno));
  }
  return status;
}

/// mpirun gives the status of the first rank that failed, or 128 and the signal's number when one was killed.
int status_of_ranks(int status) {
  if (stop_signal != 0) throw stopped_by(stop_signal);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code == kNotStarted) {
    throw RunError(ExitStatus::os_limit,
                   "cannot start mpirun; install Open MPI (cmake/install-deps.sh does) and put it on PATH");
  }
  if (WIFSIGNALED(status)) {
    throw RunError(ExitStatus::peer_lost, "mpirun was killed by signal " + std::to_string(WTERMSIG(status)) +
                                              "; the run ends here: start it again");
  }
  if (code > 128 && code < 128 + NSIG) return static_cast<int>(ExitStatus::peer_lost);
  if (code == 0 ||
      (code >= static_cast<int>(ExitStatus::usage) && code <= static_cast<int>(ExitStatus::bad_configuration))) {
    return code;
  }
  throw RunError(ExitStatus::os_limit, "mpirun ended with status " + std::to_string(code) +
                                           "; start it by hand to see why: mpirun -n 3 runnel train CONFIG");
}

}  // namespace

std::optional<LaunchPlace> LaunchPlace::from_environment() {
  // SLURM_PROCID is also set for a script under sbatch, which is no rank: it counts only together with PMIx.
  constexpr std::array<std::array<const char*, 2>, 3> kVariables = {
      {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, {"PMI_RANK", "PMI_SIZE"}, {"PMIX_RANK", "SLURM_NTASKS"}}};
  for (const auto& [rank_variable, size_variable] : kVariables) {
    const auto rank = number_in(rank_variable);
    const auto size = number_in(size_variable);
    if (rank && size) return LaunchPlace{*rank, *size};
  }
  return std::nullopt;
}

bool launcher_has_terminal() {
  return std::getenv(kTerminalVariable) != nullptr;
}

bool started_by_launcher() {
  return std::getenv(kLauncherVariable) != nullptr;
}

void ensure_early_environment(char** argv) {
  bool changed = false;
  for (const EnvironmentSetting& setting : settings_before_exec()) {
    if (std::getenv(setting.name) != nullptr) continue;
    setenv(setting.name, setting.value, 0);
    changed = true;
  }
  if (changed) execv("/proc/self/exe", argv);  // when this fails, UCX only does more than it needs to
}

void end_with_parent() {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) raise(SIGTERM);
}

int launch_ranks(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = mpirun_command(ranks, arguments);
  setenv(kLauncherVariable, "1", 1);
  if (isatty(STDOUT_FILENO) != 0) setenv(kTerminalVariable, "1", 1);
  struct sigaction action {};
  action.sa_handler = forward_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = kill_stuck_mpirun;
  sigaction(SIGALRM, &action, nullptr);
  const pid_t child = fork();
  if (child < 0) throw RunError(ExitStatus::os_limit, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) become(command);
  mpirun_pid = child;
  if (stop_signal != 0) kill(child, SIGTERM);  // it came before there was a child to tell
  return status_of_ranks(wait_for_child(child));
}

}  // namespace runnel
