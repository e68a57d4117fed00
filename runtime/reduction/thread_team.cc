// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/thread_team.h"

#include <pthread.h>

#include <algorithm>
#include <limits>

#include "runtime/base/start_thread.h"

namespace runnel {
namespace {

// At the end of a loop a thread waits for the part that another is working on: small parts keep that short. Taking a
// part costs less than a microsecond.
constexpr std::size_t kPartsPerThread = 16;

// Before a thread sleeps: some ten microseconds, in which a part is done or the next loop begins.
constexpr unsigned kSpins = 500;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// In place of a number of parts: the helpers end.
constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();

}  // namespace

ThreadTeam::ThreadTeam(std::size_t threads) {
  CPU_ZERO(&allowed_);
  (void)sched_getaffinity(0, sizeof allowed_, &allowed_);
  helpers_.reserve(threads - 1);
  try {
    while (helpers_.size() + 1 < threads) helpers_.push_back(start_thread("generator.threads", [this] { help(); }));
  } catch (...) {
    end_helpers();
    throw;
  }
}

ThreadTeam::~ThreadTeam() {
  end_helpers();
}

void ThreadTeam::end_helpers() {
  left_.store(kEnd, std::memory_order_release);
  left_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void ThreadTeam::run_task(Task task) {
  if (helpers_.empty() || task.count < 2) return task.call(task.body, 0, task.count);
  if (const int cpu = sched_getcpu(); cpu != caller_cpu_) keep_helpers_off(cpu);
  task_ = task;
  parts_ = std::min(task.count, kPartsPerThread * (helpers_.size() + 1));
  open_.store(static_cast<std::uint32_t>(parts_), std::memory_order_relaxed);
  left_.store(static_cast<std::uint32_t>(parts_), std::memory_order_release);
  left_.notify_all();
  do_parts();
  for (unsigned spins = 0; spins < kSpins && open_.load(std::memory_order_acquire) != 0; ++spins) pause_briefly();
  for (std::uint32_t open; (open = open_.load(std::memory_order_acquire)) != 0;) open_.wait(open);
}

// The kernel wakes a helper on an idle core, and when there is none, because trainers that have just pushed are not
// asleep yet, often on the caller's, where it stays until the step is over. Kept off it, the helper preempts a trainer.
// The caller itself stays free to be moved.
void ThreadTeam::keep_helpers_off(int cpu) {
  caller_cpu_ = cpu;
  if (cpu < 0 || cpu >= CPU_SETSIZE || CPU_COUNT(&allowed_) < 2) return;
  cpu_set_t others = allowed_;
  CPU_CLR(static_cast<std::size_t>(cpu), &others);
  for (std::thread& helper : helpers_) (void)pthread_setaffinity_np(helper.native_handle(), sizeof others, &others);
}

// A thread that has taken a part may read the task, which stays unchanged until that part is done.
void ThreadTeam::do_parts() {
  for (std::uint32_t left = left_.load(std::memory_order_acquire); left != 0 && left != kEnd;) {
    if (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    const std::size_t part = parts_ - left;
    task_.call(task_.body, task_.count * part / parts_, task_.count * (part + 1) / parts_);
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) open_.notify_one();
    left = left_.load(std::memory_order_acquire);
  }
}

void ThreadTeam::help() {
  for (;;) {
    // The next bucket's loop often begins at once: a helper that sleeps until then starts late.
    for (unsigned spins = 0; spins < kSpins && left_.load(std::memory_order_acquire) == 0; ++spins) pause_briefly();
    left_.wait(0, std::memory_order_acquire);
    if (left_.load(std::memory_order_acquire) == kEnd) return;
    do_parts();
  }
}

}  // namespace runnel
