// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "runtime/base/run_error.h"

/// A deleted working directory ends the program with a line of its own. oneMKL, which is part of LibTorch, would end it
/// with status 2 and "FATAL ERROR: Cannot load libtorch_cpu.so" while libraries are initialised, before main.
namespace runnel {
namespace {

void require_working_directory() {
  constexpr std::string_view kError =
      "error: the working directory has been deleted; change to one that exists (cd) and start again\n";
  std::array<char, PATH_MAX> path{};
  if (syscall(SYS_getcwd, path.data(), path.size()) >= 0 || errno != ENOENT) return;
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kError.data(), kError.size());
  _exit(static_cast<int>(ExitStatus::input_missing));
}

// What is in this section is called before libraries are initialised (System V ABI).
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)() = require_working_directory;

}  // namespace
}  // namespace runnel
