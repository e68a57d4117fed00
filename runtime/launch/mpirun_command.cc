// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/mpirun_command.h"

#include <dlfcn.h>
#include <link.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "runtime/base/run_error.h"
#include "transport/log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

struct Setting {
  const char* name;
  const char* value;
};

/// Against settings of the site or the user: lines are passed on as the ranks write them.
constexpr std::array kPlainOutput = {Setting{"OMPI_MCA_orte_tag_output", "0"},
                                     Setting{"OMPI_MCA_orte_timestamp_output", "0"},
                                     Setting{"OMPI_MCA_orte_xml_output", "0"}, Setting{"PRTE_MCA_iof_tag_output", "0"},
                                     Setting{"PRTE_MCA_iof_timestamp_output", "0"}};

/// One host needs no remote shell and no expression of host names, which accepts letters, digits, '.' and '-' only.
constexpr std::array kOnThisHost = {Setting{"OMPI_MCA_plm", "isolated"}, Setting{"OMPI_MCA_regx", "naive"}};

/// Where Open MPI 4 and 5 take the folder for their own files from.
constexpr std::array kFolderVariables = {"OMPI_MCA_orte_tmpdir_base", "PRTE_MCA_prte_tmpdir_base"};

constexpr const char* kPreload = "LD_PRELOAD";

std::string this_program() {
  std::array<char, 4096> path{};
  const auto length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0) throw RunError(ExitStatus::os_limit, "cannot read /proc/self/exe: is /proc mounted?");
  return {path.data(), static_cast<std::size_t>(length)};
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// mpirun's remote shell has no terminal to ask for a password on, and waits minutes for a host that does not answer; a
/// user's own setting of it stays.
void place_on_hosts(MpirunCommand& command, const std::string& hosts) {
  command.argv.insert(command.argv.end(), {"--host", hosts});
  if (std::getenv("OMPI_MCA_plm_rsh_agent") != nullptr || std::getenv("OMPI_MCA_plm_rsh_args") != nullptr) return;
  command.environment.emplace_back("OMPI_MCA_plm_rsh_args", "-x -o BatchMode=yes -o ConnectTimeout=5");
  command.environment.emplace_back("PRTE_MCA_plm_ssh_args", "-x -o BatchMode=yes -o ConnectTimeout=5");
}

/// Where the dynamic linker finds loopback_bind.cc's module: in a program of another project that is the folder which
/// Runnel's package puts into RUNPATH. Empty: nowhere.
fs::path folder_in_runpath() {
  void* const module = dlopen(RUNNEL_LOOPBACK_BIND, RTLD_LAZY | RTLD_LOCAL);
  if (module == nullptr) return {};
  link_map* entry = nullptr;
  const bool known = dlinfo(module, RTLD_DI_LINKMAP, static_cast<void*>(&entry)) == 0;
  const fs::path folder = known ? fs::absolute(entry->l_name).parent_path() : fs::path();
  dlclose(module);
  return folder;
}

/// Lets mpirun listen on loopback only: loopback_bind.cc. A link in the session's folder, because LD_PRELOAD cannot
/// name a path that has a space or a colon.
void preload_loopback_bind(MpirunCommand& command, const std::string& session_folder) {
  const fs::path program_folder = fs::path(this_program()).parent_path();
  const fs::path link = fs::path(session_folder) / "loopback_bind.so";
  for (const fs::path& folder :
       {program_folder, program_folder.parent_path() / RUNNEL_LIBRARY_FOLDER, folder_in_runpath()}) {
    std::error_code error;
    if (folder.empty() || !fs::exists(folder / RUNNEL_LOOPBACK_BIND, error)) continue;
    fs::create_symlink(folder / RUNNEL_LOOPBACK_BIND, link, error);
    if (error) continue;
    const char* others = std::getenv(kPreload);
    command.environment.emplace_back(kPreload, link.string() + (others == nullptr ? "" : std::string(":") + others));
    return;
  }
  log_warning(std::string("mpirun will listen on all network interfaces: there is no ") + RUNNEL_LOOPBACK_BIND +
              " in " + program_folder.string() +
              " or where its RUNPATH leads; keep it where the build or the install put it");
}

void place_on_this_host(MpirunCommand& command, const std::string& session_folder) {
  for (const auto& [name, value] : kOnThisHost) command.environment.emplace_back(name, value);
  for (const char* name : kFolderVariables) command.environment.emplace_back(name, session_folder);
  preload_loopback_bind(command, session_folder);
  // PMIx' other store is a file of some MiB in that folder.
  if (std::getenv("PMIX_MCA_gds") == nullptr) command.environment.emplace_back("PMIX_MCA_gds", "hash");
}

}  // namespace

std::string MpirunCommand::line() const {
  std::string text;
  for (const auto& [name, value] : environment) {
    const bool names_folder = name == kFolderVariables[0] || name == kFolderVariables[1] || name == kPreload;
    if (!names_folder) text += name + "=" + quoted(value) + " ";
  }
  for (const std::string& word : argv) text += quoted(word) + " ";
  text.pop_back();
  return text;
}

MpirunCommand mpirun_command(int ranks, const std::string& session_folder, const std::vector<std::string>& arguments,
                             const std::string& hosts) {
  // More processes than cores is the normal case on one machine, so ranks are bound to no core.
  MpirunCommand command = {.argv = {"mpirun", "--oversubscribe", "--bind-to", "none", "-n", std::to_string(ranks)}};
  if (geteuid() == 0) command.argv.insert(command.argv.begin() + 1, "--allow-run-as-root");
  // A user whom the system does not know has no other, and Open MPI needs one.
  if (std::getenv("HOME") == nullptr && getpwuid(geteuid()) == nullptr) command.environment.emplace_back("HOME", "/");
  for (const auto& [name, value] : kPlainOutput) command.environment.emplace_back(name, value);
  if (hosts.empty()) {
    place_on_this_host(command, session_folder);
  } else {
    place_on_hosts(command, hosts);
  }
  command.argv.push_back(this_program());
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace runnel
