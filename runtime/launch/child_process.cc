// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/run_error.h"
#include "transport/owned_fd.h"

namespace runnel {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// In the child: becomes the program, or writes errno to `failure`.
[[noreturn]] void become(const ChildStart& start, pid_t parent, int failure) {
  const std::vector<char*> argv = pointers_to(start.argv), environment = pointers_to(start.environment);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  if (start.own_group) setpgid(0, 0);
  dup2(start.standard_input, STDIN_FILENO);
  dup2(start.standard_output, STDOUT_FILENO);
  dup2(start.standard_error, STDERR_FILENO);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) std::signal(ignored, SIG_DFL);  // as this process may have them
  sigprocmask(SIG_SETMASK, &start.mask, nullptr);
  execvpe(argv[0], argv.data(), environment.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof error);
  _exit(1);
}

std::string remedy_for(const std::string& program, int error) {
  if (error == EAGAIN) return "; raise the limit of processes with ulimit -u, or nproc in limits.conf";
  if (error == EACCES) return "; make it executable (chmod +x)";
  if (error == ENOENT && program.find('/') == program.npos) return "; it is not on PATH; a file here is ./" + program;
  return "";
}

RunError not_started(const std::string& program, int error) {
  const bool is_limit = error == EAGAIN || error == ENOMEM;
  return {is_limit ? ExitStatus::os_limit : ExitStatus::input_missing,
          "cannot start " + program + ": " + std::strerror(error) + remedy_for(program, error)};
}

}  // namespace

pid_t start_child(const ChildStart& start) {
  std::array<int, 2> ends = {-1, -1};
  const int result = pipe2(ends.data(), O_CLOEXEC);
  const OwnedFd failure = OwnedFd::checked(result == 0 ? ends[0] : -1, "pipe");
  OwnedFd sink(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw not_started(start.argv.at(0), errno);
  if (child == 0) become(start, parent, sink.get());
  sink = OwnedFd();  // the child's closes when it is the program
  int error = 0;
  ssize_t count = 0;
  while ((count = read(failure.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (count <= 0) return child;
  waitpid(child, nullptr, 0);
  throw not_started(start.argv.at(0), error);
}

}  // namespace runnel
