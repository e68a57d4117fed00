// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/signal_description.h"

#include <csignal>
#include <cstring>

namespace runnel {
namespace {

const char* usual_cause(int signal) {
  switch (signal) {
    case SIGILL:
      return "an instruction that this processor does not have";
    case SIGABRT:
      return "it ended itself, see the lines above";
    case SIGBUS:
      return "/dev/shm or a mapped file had no space left";
    case SIGKILL:
      return "killed, or out of memory: see dmesg";
    case SIGSEGV:
      return "an invalid memory access";
    case SIGXCPU:
      return "the CPU time limit, ulimit -t";
    case SIGXFSZ:
      return "the file size limit, ulimit -f";
    case SIGSYS:
      return "a system call that is not allowed here, seccomp";
    default:
      return nullptr;
  }
}

}  // namespace

std::string describe_signal(int signal) {
  const char* name = sigabbrev_np(signal);
  if (name == nullptr) return "signal " + std::to_string(signal);
  const char* cause = usual_cause(signal);
  return std::string("SIG") + name + (cause == nullptr ? "" : std::string(" (") + cause + ")");
}

}  // namespace runnel
