// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/working_directory.h"

#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "runtime/base/run_error.h"

namespace runnel {

void require_working_directory() {
  constexpr std::string_view kError =
      "error: the working directory has been deleted; change to one that exists (cd) and start again\n";
  std::array<char, PATH_MAX> path{};
  if (syscall(SYS_getcwd, path.data(), path.size()) >= 0 || errno != ENOENT) return;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kError.data(), kError.size());
  _exit(static_cast<int>(ExitStatus::input_missing));
}

namespace {

// What is in this section is called before libraries are initialised (System V ABI).
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)() = require_working_directory;

}  // namespace
}  // namespace runnel
