// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/async_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/steady_clock.h"
#include "runtime/reduction/reduce_pass.h"

namespace runnel::test {

AsyncStream::AsyncStream(AsyncDevice& device, std::unique_ptr<DeviceStream> work, std::size_t marks, std::uint64_t seed)
    : device_(device), work_(std::move(work)), mark_ns_(marks), thread_([this, seed] { work_off(seed); }) {}

AsyncStream::~AsyncStream() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  news_.notify_one();
  thread_.join();
}

void AsyncStream::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    ++given_;
  }
  news_.notify_one();
}

void AsyncStream::work_off(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (;;) {
    std::function<void()> next;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return ends_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
    next();
    {
      const std::lock_guard lock(progress_->mutex);
      ++progress_->done;
    }
    progress_->changed.notify_all();
  }
}

void AsyncStream::wait_for(const AsyncStream& other) {
  run([progress = other.progress_, given = other.given_] {
    std::unique_lock lock(progress->mutex);
    progress->changed.wait(lock, [&] { return progress->done >= given; });
  });
}

void AsyncStream::wait_for_compute() {
  wait_for(device_.compute());
}

void AsyncStream::let_compute_wait() {
  device_.compute().wait_for(*this);
}

void AsyncStream::copy(std::byte* target, const std::byte* source, std::size_t bytes) {
  for (const std::byte* address : {static_cast<const std::byte*>(target), source}) {
    device_.require_reachable(address);
    device_.require_reachable(address + bytes - 1);
  }
  run([=, this] { work_->copy(target, source, bytes); });
}

void AsyncStream::reduce(const ReducePass& pass) {
  for (const float* gradient : pass.gradients) device_.require_reachable(gradient + pass.begin);
  if (const auto* update = std::get_if<ReducePass::Update>(&pass.then)) {
    device_.require_reachable(update->in + pass.begin);
    device_.require_reachable(update->out + pass.begin);
  }
  run([this, pass, gradients = std::vector(pass.gradients.begin(), pass.gradients.end())] {
    ReducePass later = pass;
    later.gradients = gradients;
    work_->reduce(later);
  });
}

DeviceStream::Mark AsyncStream::mark() {
  const Mark mark = ++marks_;
  run([this, mark] {
    mark_ns_[mark % mark_ns_.size()] = steady_ns();
    reached_.store(mark, std::memory_order_release);
  });
  return mark;
}

std::size_t AsyncStream::place_of(Mark mark) const {
  if (mark > 0 && mark <= marks_ && mark + mark_ns_.size() > marks_) return mark % mark_ns_.size();
  throw RunError(ExitStatus::internal, "mark " + std::to_string(mark) + " is not among the latest");
}

bool AsyncStream::reached(Mark mark) {
  place_of(mark);
  return reached_.load(std::memory_order_acquire) >= mark;
}

std::int64_t AsyncStream::reached_ns(Mark mark) {
  if (!reached(mark)) throw RunError(ExitStatus::internal, "mark " + std::to_string(mark) + " is not reached");
  return mark_ns_[place_of(mark)];
}

AsyncDevice::AsyncDevice(std::uint64_t seed) : memory_(/*threads=*/64), random_(seed) {
  compute_ = std::make_unique<AsyncStream>(*this, memory_.make_stream(1), 1, random_());
}

AsyncDevice::~AsyncDevice() = default;

void AsyncDevice::copy_now(std::byte* target, const std::byte* source, std::size_t bytes) {
  std::promise<void> copied;
  compute_->run([&] {
    memory_.copy_now(target, source, bytes);
    copied.set_value();
  });
  copied.get_future().wait();
}

std::byte* AsyncDevice::allocate(std::size_t bytes) {
  std::byte* const memory = memory_.allocate(bytes);
  const std::lock_guard lock(mutex_);
  reachable_[memory] = bytes;
  return memory;
}

void AsyncDevice::release(std::byte* memory) noexcept {
  {
    const std::lock_guard lock(mutex_);
    reachable_.erase(memory);
  }
  memory_.release(memory);
}

// Shared pages can be mapped a second time; private ones cannot, and keep their address.
std::byte* AsyncDevice::pin(std::span<std::byte> host) {
  void* const second = mremap(host.data(), 0, host.size(), MREMAP_MAYMOVE);
  std::byte* const address = second == MAP_FAILED ? host.data() : static_cast<std::byte*>(second);
  const std::lock_guard lock(mutex_);
  if (!pinned_.emplace(host.data(), address).second) throw RunError(ExitStatus::os_limit, "memory is pinned twice");
  reachable_[address] = host.size();
  return address;
}

void AsyncDevice::unpin(std::span<std::byte> host) noexcept {
  const std::lock_guard lock(mutex_);
  std::byte* const address = pinned_.at(host.data());
  pinned_.erase(host.data());
  reachable_.erase(address);
  if (address != host.data()) munmap(address, host.size());
}

std::unique_ptr<DeviceStream> AsyncDevice::make_stream(std::size_t marks) {
  return std::make_unique<AsyncStream>(*this, memory_.make_stream(marks), marks, random_());
}

void AsyncDevice::require_reachable(const void* address) const {
  if (!reaches(address)) throw RunError(ExitStatus::internal, "the device cannot reach an address that it was given");
}

bool AsyncDevice::reaches(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  const std::lock_guard lock(mutex_);
  auto after = reachable_.upper_bound(byte);
  return after != reachable_.begin() && byte < std::prev(after)->first + std::prev(after)->second;
}

}  // namespace runnel::test
