// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "runtime/device/device.h"
#include "tests/support/host_device.h"

namespace runnel::test {

class AsyncDevice;

/// A stream that is a thread: it does its work in order, later than it was given, and at moments of a seed's choice.
class AsyncStream final : public DeviceStream {
 public:
  AsyncStream(AsyncDevice& device, std::unique_ptr<DeviceStream> work, std::size_t marks, std::uint64_t seed);
  ~AsyncStream() override;

  void wait_for_compute() override;
  void let_compute_wait() override;
  void copy(std::byte* target, const std::byte* source, std::size_t bytes) override;
  void reduce(const ReducePass& pass) override;
  Mark mark() override;
  bool reached(Mark mark) override;
  std::int64_t reached_ns(Mark mark) override;

  /// What a kernel of the test's own would do.
  void run(std::function<void()> work);

 private:
  struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t done = 0;
  };

  void wait_for(const AsyncStream& other);
  void work_off(std::uint64_t seed);
  std::size_t place_of(Mark mark) const;

  AsyncDevice& device_;
  std::unique_ptr<DeviceStream> work_;
  std::vector<std::int64_t> mark_ns_;  // a ring, written by the thread
  Mark marks_ = 0;
  std::atomic<Mark> reached_ = 0;
  std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();  // others may wait for it
  std::uint64_t given_ = 0;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::function<void()>> queue_;
  bool ends_ = false;
  std::thread thread_;
};

/// A device in host memory that behaves like a GPU where a mistake would go unnoticed otherwise: its work is late, what
/// is pinned has another address on it, and it refuses addresses that it cannot reach. Who derives from it brings
/// memory of another kind.
class AsyncDevice : public Device {
 public:
  explicit AsyncDevice(std::uint64_t seed);
  ~AsyncDevice() override;

  DeviceId id() const override { return DeviceId::cuda(0); }
  MemoryKind kind() const override { return MemoryKind::host; }
  void bind_thread() override {}

  /// Goes behind what the compute stream was given.
  void copy_now(std::byte* target, const std::byte* source, std::size_t bytes) override;
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) noexcept override;
  std::byte* pin(std::span<std::byte> host) override;
  void unpin(std::span<std::byte> host) noexcept override;
  std::unique_ptr<DeviceStream> make_stream(std::size_t marks) override;

  /// The default stream.
  AsyncStream& compute() { return *compute_; }

  /// Throws `RunError` unless the device reaches `address`.
  void require_reachable(const void* address) const;

 protected:
  /// Whether `address` lies in memory of the device, or in pinned memory as the device has it.
  virtual bool reaches(const void* address) const;

 private:
  HostDevice memory_;
  std::mt19937_64 random_;
  mutable std::mutex mutex_;
  std::map<const std::byte*, std::size_t> reachable_;  // by where they begin: bytes
  std::map<const std::byte*, std::byte*> pinned_;      // by the host's address: the device's
  std::unique_ptr<AsyncStream> compute_;
};

}  // namespace runnel::test
