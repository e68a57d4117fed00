// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/thread_team.h"

namespace runnel {

ThreadTeam::ThreadTeam(std::size_t threads) : threads_(threads) {
  helpers_.reserve(threads - 1);
  for (std::size_t index = 1; index < threads; ++index) helpers_.emplace_back([this, index] { help(index); });
}

ThreadTeam::~ThreadTeam() {
  task_ = {};
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void ThreadTeam::run_task(std::size_t count, Task task) {
  count_ = count;
  task_ = task;
  if (!helpers_.empty()) {
    pending_.store(static_cast<std::uint32_t>(helpers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  }
  do_part(0);
  for (std::uint32_t pending; (pending = pending_.load(std::memory_order_acquire)) != 0;) pending_.wait(pending);
}

void ThreadTeam::do_part(std::size_t index) const {
  task_.call(task_.body, count_ * index / threads_, count_ * (index + 1) / threads_);
}

void ThreadTeam::help(std::size_t index) {
  for (std::uint32_t seen = 0;; ++seen) {
    round_.wait(seen, std::memory_order_acquire);
    if (task_.body == nullptr) return;
    do_part(index);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
  }
}

}  // namespace runnel
