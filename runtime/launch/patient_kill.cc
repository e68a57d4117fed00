// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A part of the module that the launcher preloads into mpirun. When a rank has failed, Open MPI kills the others a
// second or two later, Open MPI 5 half a second, for which it has no setting; and in one that had, it sleeps that long
// even when all have ended. With this kill() a rank has time to write a last checkpoint, and none is wasted.
#include "runtime/launch/patient_kill.h"

#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "runtime/launch/process_tree.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;

/// When mpirun may kill: the same moment for all of its children.
Clock::time_point kill_time() {
  const char* grace_ms = std::getenv(kKillGraceVariable);
  static const auto time = Clock::now() + std::chrono::milliseconds(grace_ms == nullptr ? 0 : std::atoi(grace_ms));
  return time;
}

void await_end_of_child(pid_t child) {
  const auto lives = [child] {
    const ProcessState state = state_of(child);
    return state.parent == getpid() && state.letter != 'Z';
  };
  const auto until = kill_time();
  while (Clock::now() < until && lives()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace runnel

/// `process`: as kill(2) takes it; a rank leads a process group of its own.
extern "C" [[gnu::visibility("default")]] int kill(pid_t process, int signal) noexcept {
  using Kill = int(pid_t, int);
  static Kill* const next = reinterpret_cast<Kill*>(dlsym(RTLD_NEXT, "kill"));
  if (signal == SIGKILL) runnel::await_end_of_child(std::abs(process));
  return next(process, signal);
}
