// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/start_thread.h"

#include <sys/resource.h>

#include <system_error>
#include <utility>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

std::string process_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "unlimited";
  return std::to_string(limit.rlim_cur);
}

}  // namespace

std::thread start_thread(const std::string& purpose, std::function<void()> body) {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& error) {
    throw RunError(ExitStatus::os_limit, "cannot start a thread for " + purpose + ": " + error.code().message() +
                                             "; raise the user's limit of processes (ulimit -u is " + process_limit() +
                                             "), or the container's limit of pids");
  }
}

}  // namespace runnel
