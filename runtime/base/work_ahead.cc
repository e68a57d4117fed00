// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/work_ahead.h"

#include <pthread.h>
#include <sched.h>

#include <utility>

#include "runtime/base/start_thread.h"

namespace runnel {
namespace {

/// Without this the kernel often wakes the thread on the core of the one that takes, in place of that: each `take` then
/// costs as long as making an item. A thread of this policy waits for an idle core, or for its turn.
void yield_to_others() {
  const sched_param no_priority = {};
  (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &no_priority);
}

}  // namespace

WorkAhead::WorkAhead(Settings settings, Make make)
    : settings_(std::move(settings)), make_(std::move(make)), errors_(settings_.ahead + 1) {}

std::size_t WorkAhead::take(std::int64_t number) {
  std::unique_lock lock(mutex_);
  if (number != next_) {
    to_make_ = number;
    ++restarts_;
  }
  next_ = number + 1;
  if (settings_.ahead > 0 && !thread_.joinable()) thread_ = start_thread(settings_.purpose, [this] { run(); });
  made_.wait(lock, [&] { return to_make_ > number || !making_; });
  if (to_make_ == number) make_next(lock);
  const std::size_t place = place_of(number);
  const std::exception_ptr error = errors_[place];
  lock.unlock();
  changed_.notify_one();
  if (error) std::rethrow_exception(error);
  return place;
}

void WorkAhead::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void WorkAhead::run() {
  yield_to_others();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (!making_ && may_make()); });
    if (stopping_) return;
    make_next(lock);
    made_.notify_one();
  }
}

void WorkAhead::make_next(std::unique_lock<std::mutex>& lock) {
  const std::int64_t number = to_make_;
  const std::uint64_t restarts = restarts_;
  making_ = true;
  lock.unlock();
  std::exception_ptr error = make(number);
  lock.lock();
  making_ = false;
  if (restarts != restarts_) return;
  errors_[place_of(number)] = std::move(error);
  ++to_make_;
}

bool WorkAhead::may_make() const {
  return to_make_ < settings_.end && to_make_ < next_ + static_cast<std::int64_t>(settings_.ahead);
}

std::exception_ptr WorkAhead::make(std::int64_t number) const {
  try {
    make_(number, place_of(number));
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

}  // namespace runnel
