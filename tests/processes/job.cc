// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/processes/job.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds kPoll{5};
constexpr const char* kMarkVariable = "RUNNEL_TEST_JOB=";

std::string read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

bool has_variable(pid_t pid, const std::string& variable) {
  const std::string environment = '\0' + read_file("/proc/" + std::to_string(pid) + "/environ");
  return environment.find('\0' + variable + '\0') != std::string::npos;
}

std::vector<std::string> environment_with(const Command& command, const std::string& mark) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const bool replaced =
        std::ranges::any_of(command.environment, [&](const auto& pair) { return text.starts_with(pair.first + "="); });
    if (!replaced) variables.push_back(text);
  }
  for (const auto& [name, value] : command.environment) variables.push_back(name + "=" + value);
  variables.push_back(mark);
  return variables;
}

/// setpriv of util-linux does what posix_spawn cannot: tie the process to this one's life, and give up being root.
std::vector<std::string> arguments_of(const Command& command) {
  std::vector<std::string> argv = {"setpriv", "--pdeathsig", "KILL"};
  if (command.unprivileged) {
    for (const char* word : {"--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all,+dac_read_search",
                             "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search", "env", "-u", "HOME",
                             "-u", "OMPI_ALLOW_RUN_AS_ROOT", "-u", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}) {
      argv.emplace_back(word);
    }
  }
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  return argv;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn(const Command& command, const std::string& mark, const fs::path& output) {
  std::vector<std::string> argv = arguments_of(command);
  std::vector<std::string> environment = environment_with(command, mark);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const bool has_terminal = !command.terminal.empty();
  const std::string in = has_terminal ? command.terminal : "/dev/null";
  const std::string out = has_terminal ? command.terminal : output.string();
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in.c_str(), has_terminal ? O_RDWR : O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  // A test that runs under nohup has SIGHUP ignored, and its processes would inherit that.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGHUP);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes, pointers_to(argv).data(),
                                 pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + argv[0] + ": " + std::strerror(error));
  return pid;
}

std::vector<std::string> shared_memory_files() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator("/dev/shm")) files.push_back(entry.path());
  return files;
}

bool is_mapped_anywhere(const std::string& file) {
  return std::ranges::any_of(all_processes(), [&](pid_t pid) {
    return read_file("/proc/" + std::to_string(pid) + "/maps").find(file) != std::string::npos;
  });
}

/// System V segments that nobody is attached to, as "sysv ID".
std::vector<std::string> detached_segments() {
  std::ifstream table("/proc/sysvipc/shm");
  std::vector<std::string> segments;
  std::string line;
  std::getline(table, line);  // the names of the columns: key shmid perms size cpid lpid nattch …
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string key, id, permissions, size, creator, last, attached;
    columns >> key >> id >> permissions >> size >> creator >> last >> attached;
    if (attached == "0") segments.push_back("sysv " + id);
  }
  return segments;
}

}  // namespace

Job::Job(const Command& command) {
  mark_ = kMarkVariable + folder_.path().filename().string();
  pid_ = spawn(command, mark_, folder_.path() / "output");
}

Job::~Job() {
  std::vector<pid_t> left = processes();
  if (!status_) left.push_back(pid_);
  for (const pid_t pid : left) kill(pid, SIGKILL);
  if (!status_) waitpid(pid_, nullptr, 0);
  if (testing::Test::HasFailure()) std::cerr << "output of the job:\n" << output() << '\n';
}

std::vector<pid_t> Job::processes() const {
  std::vector<pid_t> pids = all_processes();
  std::erase_if(pids, [this](pid_t pid) { return !has_variable(pid, mark_); });
  return pids;
}

pid_t Job::await_rank(int rank) const {
  const auto until = Clock::now() + std::chrono::seconds(30);
  while (Clock::now() < until) {
    for (const pid_t pid : processes()) {
      if (has_variable(pid, "OMPI_COMM_WORLD_RANK=" + std::to_string(rank))) return pid;
    }
    std::this_thread::sleep_for(kPoll);
  }
  throw std::runtime_error("mpirun started no rank " + std::to_string(rank) + ":\n" + output());
}

std::string Job::output() const {
  return read_file(folder_.path() / "output");
}

void Job::await_output(const std::string& text) {
  await([&] { return ended() || output().find(text) != std::string::npos; }, std::chrono::seconds(60),
        "no line with '" + text + "'");
  ASSERT_NE(output().find(text), std::string::npos) << "the job ended before it wrote '" << text << "'";
}

int Job::wait(std::chrono::seconds limit) {
  await([this] { return ended(); }, limit, "the launcher did not end");
  return status_.value_or(-1);
}

int Job::wait_for_all(std::chrono::seconds limit) {
  await([this] { return ended() && processes().empty(); }, limit, "not all processes ended");
  return status_.value_or(-1);
}

bool Job::ended() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return status_.has_value();
}

void Job::await(const std::function<bool()>& condition, std::chrono::seconds limit, const std::string& what) {
  const auto until = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() >= until) {
      ADD_FAILURE() << what << " within " << limit.count() << " s";
      for (const pid_t pid : processes()) print_stacks(pid);
      return;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

SharedMemoryGuard::SharedMemoryGuard() : before_(shared_memory_files()) {
  const auto segments = detached_segments();
  before_.insert(before_.end(), segments.begin(), segments.end());
}

std::vector<std::string> SharedMemoryGuard::left() const {
  std::vector<std::string> left = unused_now();
  for (int tries = 0; tries < 10 && !left.empty(); ++tries) {
    std::this_thread::sleep_for(milliseconds(100));
    const auto still = unused_now();
    std::erase_if(left, [&](const std::string& name) { return std::ranges::find(still, name) == still.end(); });
  }
  return left;
}

std::vector<std::string> SharedMemoryGuard::unused_now() const {
  std::vector<std::string> left;
  for (const std::string& file : shared_memory_files()) {
    if (std::ranges::find(before_, file) == before_.end() && !is_mapped_anywhere(file)) left.push_back(file);
  }
  for (const std::string& segment : detached_segments()) {
    if (std::ranges::find(before_, segment) == before_.end()) left.push_back(segment);
  }
  return left;
}

}  // namespace runnel::test
