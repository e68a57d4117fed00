// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "transport/deadline.h"

namespace runnel {

/// The exchange between processes failed; the message names the rank that is missing where it is known. Status 69.
class BootstrapError : public RunError {
 public:
  explicit BootstrapError(const std::string& message) : RunError(ExitStatus::peer_lost, message) {}
};

/// What a process does while it waits for others. What it throws comes out of the call that waits, and ends the
/// bootstrap: none of its calls may be made any more.
using Meanwhile = std::function<void()>;

/// What processes need of each other once, before UCX connects them: who they are, and an exchange of bytes.
///
/// Collective calls are made by all ranks in the same order. Thread: the one that made it.
class Bootstrap {
 public:
  virtual ~Bootstrap() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Every rank's `mine`, by rank; lengths may differ. `meanwhile` is called about once a millisecond while this
  /// process waits for others. Throws `BootstrapError` when a rank is gone or the deadline passes.
  virtual std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                         const Meanwhile& meanwhile = {}) = 0;

  /// Returns when all ranks have called it. `meanwhile` and errors as for `all_gather`.
  virtual void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) = 0;

  /// Whether this rank reports what all ranks find wrong alike. Rank 0 does, and after a call of `report_errors`,
  /// others.
  bool reports_errors() const { return reports_errors_ || rank() == 0; }
  void report_errors() { reports_errors_ = true; }

 private:
  bool reports_errors_ = false;
};

/// Runs `decide` on what all ranks know alike, so that a `RunError` of it is thrown on all of them: as it is by those
/// that report errors, by the others as `AlreadyReported`. These wait first, as mpirun ends the whole job when one rank
/// has ended, and rank 0 needs time to report why.
template <std::invocable Decide>
auto decide_alike(const Bootstrap& bootstrap, Decide&& decide) {
  constexpr std::chrono::milliseconds kTimeToReport{300};
  try {
    return decide();
  } catch (const RunError& error) {
    if (bootstrap.reports_errors()) throw;
    std::this_thread::sleep_for(kTimeToReport);
    throw AlreadyReported(error.status());
  }
}

}  // namespace runnel
