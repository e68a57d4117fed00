// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/device/device.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// The reductions that a generator has given to its device and that are not published yet, oldest first.
///
/// Allocates nothing but at construction. Thread: the main thread's.
class DevicePasses {
 public:
  /// For at most `buckets` reductions at a time. `device` outlives this.
  DevicePasses(Device& device, std::uint32_t buckets);

  DeviceStream& stream() { return *stream_; }

  /// Around what the stream is given for one bucket. `word` is to be rung when it is done.
  void begin();
  void end(std::uint32_t bucket, std::uint64_t word);

  /// The word of the oldest reduction, when the device has done it: once each. Records it in `trace`, as of `step`.
  std::optional<std::uint64_t> next_done(Trace& trace, std::uint64_t step);

  /// Whether there is none left.
  bool idle() const { return count_ == 0; }

 private:
  struct Pass {
    std::uint32_t bucket = 0;
    std::uint64_t word = 0;
    DeviceStream::Mark begin = 0;
    DeviceStream::Mark end = 0;
  };

  std::unique_ptr<DeviceStream> stream_;
  DeviceStream::Mark begun_ = 0;
  std::vector<Pass> passes_;  // a ring
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace runnel
