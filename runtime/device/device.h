// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/base/device_id.h"
#include "transport/memory_access.h"
#include "transport/memory_kind.h"

namespace runnel {

struct ReducePass;

/// Work that a device does in the order in which it was given, beside what it does in other streams.
///
/// No method waits for the work. Each throws `RunError` (internal) with the device's own words. Thread: one at a time;
/// it need not be the one that made the stream.
class DeviceStream {
 public:
  /// A point in the work. Marks count from 1, and are reached in that order.
  using Mark = std::uint64_t;

  /// Waits until all work is done.
  virtual ~DeviceStream() = default;

  /// What is given from now on waits for all that was given to the compute stream before: the device's default stream,
  /// in which LibTorch computes.
  virtual void wait_for_compute() = 0;

  /// What the compute stream is given from now on waits for all that was given here before.
  virtual void let_compute_wait() = 0;

  /// Source and target each lie in memory of a device or in pinned memory of the host.
  virtual void copy(std::byte* target, const std::byte* source, std::size_t bytes) = 0;

  /// Sums gradients and makes the optimizer's step for a range of parameters.
  virtual void reduce(const ReducePass& pass) = 0;

  /// Marks the end of what was given so far.
  virtual Mark mark() = 0;

  /// Whether all before `mark` is done, and visible to this process and to its peers. Of the latest marks only, as many
  /// as the stream was made for.
  virtual bool reached(Mark mark) = 0;

  /// When that was, in ns of the steady clock. Of a mark that is reached, among the latest.
  virtual std::int64_t reached_ns(Mark mark) = 0;
};

/// An accelerator as this process has it.
///
/// The one for CUDA comes from a module that is loaded when a process has such a device
/// (runtime/device/device_module.h). Every method throws `RunError`: os_limit where the device is short of something,
/// else internal. Outlives what was made from it. Thread: any.
class Device : public MemoryAccess {
 public:
  virtual DeviceId id() const = 0;

  /// For messages: "cuda:0".
  std::string name() const { return id().to_string(); }

  /// Of its own memory.
  virtual MemoryKind kind() const = 0;

  /// Makes this the device of the calling thread: before its first use of UCX, which looks for the thread's device.
  virtual void bind_thread() = 0;

  /// Zeroed memory of the device, of which peers can be given keys.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* memory) noexcept = 0;

  /// Keeps `host`, memory of this process or mapped from a peer, in place for the device's copies and loops, and gives
  /// the address that these use.
  virtual std::byte* pin(std::span<std::byte> host) = 0;
  virtual void unpin(std::span<std::byte> host) noexcept = 0;

  /// `marks`: how many of its latest marks can be asked about.
  virtual std::unique_ptr<DeviceStream> make_stream(std::size_t marks) = 0;
};

/// Of a process with `device`, which is null on the CPU.
inline DeviceId id_of(const Device* device) {
  return device != nullptr ? device->id() : DeviceId::cpu();
}

}  // namespace runnel
