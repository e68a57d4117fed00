// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/reduction_passes.h"

#include <cassert>
#include <utility>

namespace runnel {
namespace {

/// Each is done before the next begins.
class HostPasses final : public ReductionPasses {
 public:
  explicit HostPasses(Trace& trace) : trace_(trace) {}

  void begin() override { begin_ns_ = trace_.begin(); }

  void end(TraceLabel label, std::uint64_t, ByteRange, std::uint64_t word) override {
    trace_.end(begin_ns_, label);
    done_ = word;
  }

  std::optional<std::uint64_t> next_done() override { return std::exchange(done_, std::nullopt); }
  bool idle() const override { return true; }
  DeviceStream* stream() override { return nullptr; }

 private:
  Trace& trace_;
  std::int64_t begin_ns_ = 0;
  std::optional<std::uint64_t> done_;
};

class DevicePasses final : public ReductionPasses {
 public:
  DevicePasses(Device& device, const GeneratorMemory& memory, Trace& trace, std::uint32_t buckets)
      : memory_(memory),
        trace_(trace),
        stream_(device.make_stream(2 * std::size_t{buckets} + kReducerMarks)),
        passes_(buckets) {}

  void begin() override { begun_ = stream_->mark(); }

  void end(TraceLabel label, std::uint64_t version, ByteRange range, std::uint64_t word) override {
    assert(count_ < passes_.size());
    if (memory_.has_mirror() && range.size() > 0) memory_.mirror(*stream_, version, range);
    label.what = TraceWhat::reduce_on_device;
    passes_[(first_ + count_++) % passes_.size()] = {
        .label = label, .word = word, .begin = begun_, .end = stream_->mark()};
  }

  std::optional<std::uint64_t> next_done() override {
    if (idle() || !stream_->reached(passes_[first_].end)) return std::nullopt;
    const Pass& pass = passes_[first_];
    first_ = (first_ + 1) % passes_.size();
    --count_;
    if (trace_.on()) trace_.add(stream_->reached_ns(pass.begin), stream_->reached_ns(pass.end), pass.label);
    return pass.word;
  }

  bool idle() const override { return count_ == 0; }
  DeviceStream* stream() override { return stream_.get(); }

 private:
  // Of the device's reducer, with clipping: between the two of a pass.
  static constexpr std::size_t kReducerMarks = 1;

  struct Pass {
    TraceLabel label;
    std::uint64_t word = 0;
    DeviceStream::Mark begin = 0;
    DeviceStream::Mark end = 0;
  };

  const GeneratorMemory& memory_;
  Trace& trace_;
  std::unique_ptr<DeviceStream> stream_;
  DeviceStream::Mark begun_ = 0;
  std::vector<Pass> passes_;  // a ring
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

std::unique_ptr<ReductionPasses> make_reduction_passes(Device* device, const GeneratorMemory& memory, Trace& trace,
                                                       std::uint32_t buckets) {
  if (device != nullptr) return std::make_unique<DevicePasses>(*device, memory, trace, buckets);
  return std::make_unique<HostPasses>(trace);
}

}  // namespace runnel
