// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/supervisor.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <string>
#include <system_error>

#include "runtime/base/run_error.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/stop_signals.h"
#include "transport/log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kFirstPause{1};
constexpr seconds kLongestPause{60};

/// When a checkpoint in `folder` was completed last; the earliest time when there is none.
fs::file_time_type newest_checkpoint(const fs::path& folder) {
  auto newest = fs::file_time_type::min();
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code is_none;
    const auto time = fs::last_write_time(entry->path() / "manifest.json", is_none);
    if (!is_none) newest = std::max(newest, time);
  }
  return newest;
}

/// How a start has ended: by a status, or by what it threw.
struct EndOfStart {
  int status = 0;
  std::exception_ptr error = {};
  std::string reason = {};
};

EndOfStart end_of(const std::function<int()>& start) {
  try {
    const int status = start();
    return {.status = status, .reason = "a process ended with status " + std::to_string(status)};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return {.status = static_cast<int>(status_of(error)),
            .error = std::current_exception(),
            .reason = text.substr(0, text.find("; the run ends here"))};
  }
}

/// Whether the same job may come further when it is started again.
bool is_crash(int status) {
  return status == static_cast<int>(ExitStatus::peer_lost) || status == static_cast<int>(ExitStatus::internal);
}

/// Throws when a signal comes meanwhile. SIGUSR1 asks for a checkpoint, and there is nobody to make one.
void pause(seconds time) {
  sigset_t signals = user_stop_signals();
  sigdelset(&signals, SIGUSR1);
  const timespec timeout = {.tv_sec = time.count(), .tv_nsec = 0};
  const int signal = sigtimedwait(&signals, nullptr, &timeout);
  if (signal > 0) throw stopped_by(signal, "--resume continues the run from its newest checkpoint");
}

int give_up(const EndOfStart& end, int starts) {
  if (starts > 1) log_warning("start " + std::to_string(starts) + " was the last one: " + end.reason);
  if (end.error) std::rethrow_exception(end.error);
  return end.status;
}

}  // namespace

int supervise(int restarts, const fs::path& checkpoints, const std::function<int()>& start) {
  const sigset_t signals = user_stop_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const std::string of_at_most = " of at most " + std::to_string(restarts + 1);
  auto newest = newest_checkpoint(checkpoints);
  JobStart job;
  seconds time = kFirstPause;
  for (;; ++job.number) {
    set_job_start(job);
    const EndOfStart end = end_of(start);
    if (!is_crash(end.status)) {
      if (end.error) std::rethrow_exception(end.error);
      return end.status;
    }
    if (job.number > restarts) return give_up(end, job.number);
    if (const auto now_newest = newest_checkpoint(checkpoints); now_newest > newest) {
      newest = now_newest;
      job.from_newest = true;
      time = kFirstPause;
    }
    log_warning("start " + std::to_string(job.number + 1) + of_at_most + " in " + std::to_string(time.count()) +
                " s: " + end.reason);
    pause(time);
    time = std::min(2 * time, kLongestPause);
  }
}

}  // namespace runnel
