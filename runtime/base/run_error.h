// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <csignal>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "transport/status.h"

namespace runnel {

/// What a process says about itself when it ends; the numbers up to 78 are those of <sysexits.h>.
enum class ExitStatus : int {
  done = 0,
  usage = 64,
  bad_data = 65,
  input_missing = 66,
  peer_lost = 69,
  internal = 70,
  os_limit = 71,
  cannot_create = 73,
  cannot_write = 74,
  in_use = 75,
  protocol_mismatch = 76,
  bad_configuration = 78,
  interrupted = 130,
  terminated = 143,
};

/// An error that ends the process. Its text is one line: what, where, and what to do about it.
class RunError : public std::runtime_error {
 public:
  RunError(ExitStatus status, const std::string& message) : std::runtime_error(message), status_(status) {}

  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

/// Ends the process without a line of its own: this process has reported the cause, or another one does.
class AlreadyReported : public RunError {
 public:
  explicit AlreadyReported(ExitStatus status) : RunError(status, "already reported") {}
};

inline bool is_reported(const std::exception& error) {
  return dynamic_cast<const AlreadyReported*>(&error) != nullptr;
}

/// The run ends because the launcher got a signal, which the launcher reports.
class StoppedByLauncher : public AlreadyReported {
 public:
  using AlreadyReported::AlreadyReported;
};

/// What the process gives to its parent. After `StoppedByLauncher` that is 0: after any other status of a rank mpirun
/// sleeps for one or two seconds before it ends.
inline int exit_code(const RunError& error) {
  return dynamic_cast<const StoppedByLauncher*>(&error) != nullptr ? 0 : static_cast<int>(error.status());
}

/// What the process ends with after `error`. Set-up throws `TransportError` when a peer has gone meanwhile, or when
/// this system lacks something; what is neither that nor a `RunError` is an internal error.
inline ExitStatus status_of(const std::exception& error) {
  if (const auto* run = dynamic_cast<const RunError*>(&error)) return run->status();
  const auto* transport = dynamic_cast<const TransportError*>(&error);
  if (transport == nullptr) return ExitStatus::internal;
  const bool peer = transport->code() == StatusCode::peer_lost || transport->code() == StatusCode::unreachable;
  return peer ? ExitStatus::peer_lost : ExitStatus::os_limit;
}

/// The error to end with after `signal`, which a user or the system has sent to end the run. `outcome`: what the user
/// has of it.
inline RunError stopped_by(int signal, const std::string& outcome = "the run ends without a result") {
  if (signal == SIGINT) return {ExitStatus::interrupted, "interrupted by SIGINT; " + outcome};
  if (signal == SIGXCPU) {
    return {ExitStatus::os_limit, "ended by SIGXCPU: the limit of CPU time is used up; raise it with ulimit -t"};
  }
  const char* name = sigabbrev_np(signal);
  return {ExitStatus::terminated, "ended by SIG" + std::string(name == nullptr ? "?" : name) + "; " + outcome};
}

}  // namespace runnel
