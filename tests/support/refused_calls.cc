// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/refused_calls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <exception>

namespace runnel::test {
namespace {

constexpr int kNoFilter = 77;

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter answer(std::uint32_t action) {
  return BPF_STMT(BPF_RET | BPF_K, action);
}

std::vector<sock_filter> filter_of(const RefusedCalls& refused) {
  constexpr std::uint32_t kUnnamed = O_TMPFILE & ~O_DIRECTORY;
  std::vector<sock_filter> filter = {load(offsetof(seccomp_data, nr))};
  for (const long number : refused.numbers) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
    filter.push_back(answer(SECCOMP_RET_ERRNO | EPERM));
  }
  if (refused.unnamed_files) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
    filter.push_back(load(offsetof(seccomp_data, args[2])));  // the low half, of the flags
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kUnnamed, 0, 1));
    filter.push_back(answer(SECCOMP_RET_ERRNO | EOPNOTSUPP));
  }
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  return filter;
}

bool set_filter(const RefusedCalls& refused) {
  std::vector<sock_filter> filter = filter_of(refused);
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int run(const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace

bool runs_without(const RefusedCalls& refused, const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(set_filter(refused) ? run(body) : kNoFilter);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  const bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == kNoFilter;
  [skipped] {
    if (skipped) GTEST_SKIP() << "SKIPPED, NOT TESTED: no seccomp filter can be set here";
  }();
  return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || skipped);
}

}  // namespace runnel::test
