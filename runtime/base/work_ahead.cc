// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/work_ahead.h"

#include <utility>

#include "runtime/base/start_thread.h"

namespace runnel {

WorkAhead::WorkAhead(Settings settings, Make make)
    : settings_(std::move(settings)), make_(std::move(make)), errors_(settings_.ahead + 1) {}

std::size_t WorkAhead::take(std::int64_t number) {
  const std::size_t place = place_of(number);
  if (settings_.ahead == 0) {
    make_(number, place);
    return place;
  }
  std::unique_lock lock(mutex_);
  if (number != next_) {
    to_make_ = number;
    ++restarts_;
  }
  next_ = number + 1;
  changed_.notify_one();
  if (!thread_.joinable()) thread_ = start_thread(settings_.purpose, [this] { run(); });
  made_.wait(lock, [&] { return to_make_ > number; });
  if (errors_[place]) std::rethrow_exception(errors_[place]);
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
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || may_make(); });
    if (stopping_) return;
    const std::int64_t number = to_make_;
    const std::uint64_t restarts = restarts_;
    lock.unlock();
    std::exception_ptr error = make(number);
    lock.lock();
    if (restarts != restarts_) continue;
    errors_[place_of(number)] = std::move(error);
    ++to_make_;
    made_.notify_one();
  }
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
