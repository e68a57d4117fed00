// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/launch_place.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/launch/process_tree.h"
#include "transport/context.h"

namespace runnel {
namespace {

using std::chrono::milliseconds;

constexpr const char* kLauncherVariable = "RUNNEL_LAUNCHER";  // its process id
constexpr const char* kTerminalVariable = "RUNNEL_TERMINAL";
constexpr const char* kStartVariable = "RUNNEL_START";             // 2: the first one after a crash
constexpr const char* kFromNewestVariable = "RUNNEL_FROM_NEWEST";  // set: this start continues from a checkpoint

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc() || *end != '\0') return std::nullopt;
  return value;
}

/// What a launcher gives to a rank: Open MPI's mpirun, and what speaks PMI or PMIx.
constexpr std::array<std::string_view, 14> kVariablesOfRank = {"OMPI_COMM_WORLD_",
                                                               "OMPI_APP_CTX_",
                                                               "OMPI_NUM_APP_CTX",
                                                               "OMPI_UNIVERSE_SIZE",
                                                               "OMPI_FIRST_RANKS",
                                                               "OMPI_COMMAND",
                                                               "OMPI_ARGV",
                                                               "OMPI_MCA_ess",
                                                               "OMPI_MCA_orte_",
                                                               "OMPI_MCA_pmix",
                                                               "PMIX_",
                                                               "PMI_",
                                                               "MPI_LOCAL",
                                                               "HYDRA_"};

bool is_of_rank(std::string_view variable) {
  const auto begins = [&](std::string_view prefix) { return variable.starts_with(prefix); };
  return std::ranges::any_of(kVariablesOfRank, begins) && !variable.starts_with("PMIX_MCA_");  // the user's own
}

bool is_of_slurm(std::string_view variable) {
  return variable.starts_with("SLURM_");
}

void remove_variables(bool (*chosen)(std::string_view variable)) {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (chosen(text)) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

/// Whether anything was missing.
bool set_early_environment() {
  bool missing = false;
  for (const EnvironmentSetting& setting : settings_before_exec()) {
    if (std::getenv(setting.name) != nullptr) continue;
    setenv(setting.name, setting.value, 0);
    missing = true;
  }
  return missing;
}

}  // namespace

std::optional<LaunchPlace> LaunchPlace::from_environment() {
  // SLURM_PROCID is also set for a script under sbatch, which is no rank: it counts only together with PMIx.
  constexpr std::array<std::array<const char*, 3>, 3> kVariables = {
      {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
       {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
       {"PMIX_RANK", "SLURM_NTASKS", "SLURM_LOCALID"}}};
  for (const auto& [rank_variable, size_variable, local_variable] : kVariables) {
    const auto rank = number_in(rank_variable);
    const auto size = number_in(size_variable);
    if (!rank || !size) continue;
    if (*rank >= 0 && *rank < *size) return LaunchPlace{*rank, *size, number_in(local_variable).value_or(*rank)};
    throw RunError(ExitStatus::protocol_mismatch, "the environment says rank " + std::to_string(*rank) + " of " +
                                                      std::to_string(*size) + " ranks (" + rank_variable + ", " +
                                                      size_variable + "); let mpirun set both, or unset them");
  }
  return std::nullopt;
}

std::optional<int> tasks_without_pmix() {
  if (std::getenv("PMIX_RANK") != nullptr) return std::nullopt;
  const auto tasks = number_in("SLURM_STEP_NUM_TASKS");
  return tasks && *tasks > 1 ? tasks : std::nullopt;
}

bool stdout_obeys_escapes() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
}

bool launcher_has_terminal() {
  return std::getenv(kTerminalVariable) != nullptr;
}

bool started_by_launcher() {
  // Not every process that has the variable: a shell that a rank was started from passes it on, too.
  const auto launcher = number_in(kLauncherVariable);
  return launcher && state_of(getppid()).parent == *launcher;
}

JobStart job_start() {
  if (!started_by_launcher()) return {};
  return {.number = number_in(kStartVariable).value_or(1), .from_newest = std::getenv(kFromNewestVariable) != nullptr};
}

void set_job_start(const JobStart& start) {
  setenv(kStartVariable, std::to_string(start.number).c_str(), 1);
  if (start.from_newest) setenv(kFromNewestVariable, "1", 1);
}

std::string ignored_settings() {
  const char* settings = std::getenv(kIgnoredSettingsVariable);
  return settings == nullptr ? "" : settings;
}

milliseconds time_since_start() {
  std::string record;
  std::getline(std::ifstream("/proc/self/stat"), record);
  // Behind the name, in brackets, which may contain anything: 19 fields, then the start in ticks since boot (proc(5)).
  std::istringstream fields(record.substr(std::min(record.rfind(')') + 1, record.size())));
  std::string skipped;
  for (int i = 0; i < 19; ++i) fields >> skipped;
  std::int64_t ticks = 0;
  if (!(fields >> ticks)) return milliseconds(0);
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const std::int64_t started_ms = ticks * 1000 / sysconf(_SC_CLK_TCK);
  return milliseconds(now.tv_sec * 1000 + now.tv_nsec / 1'000'000 - started_ms);
}

void ensure_early_environment(char** argv) {
  // When this fails, UCX does more than it needs to, and does not know the memory of a GPU.
  if (set_early_environment()) execv("/proc/self/exe", argv);
}

void end_with_parent() {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) raise(SIGTERM);
}

void set_environment_of_ranks(bool on_this_host) {
  if (LaunchPlace::from_environment()) remove_variables(is_of_rank);
  if (on_this_host) remove_variables(is_of_slurm);
  (void)set_early_environment();
  setenv(kLauncherVariable, std::to_string(getpid()).c_str(), 1);
  if (stdout_obeys_escapes()) setenv(kTerminalVariable, "1", 1);
}

}  // namespace runnel
