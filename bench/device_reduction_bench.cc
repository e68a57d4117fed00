// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How close is a GPU's one pass over its memory, sum and Adadelta, to what it copies? As bench/reduction_bench.cc asks
// of the host: N gradients are read, parameters and two states read and written.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/suite.h"
#include "runtime/base/run_error.h"
#include "runtime/device/device_module.h"
#include "runtime/reduction/device_reducer.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {
namespace {

constexpr std::size_t kMarks = 3;
constexpr double kLearningRate = 0.1;

/// Floats in the device's memory.
class DeviceFloats {
 public:
  DeviceFloats(Device& device, const std::vector<float>& values)
      : device_(device), memory_(device.allocate(values.size() * sizeof(float))) {
    device.copy_now(memory_, std::as_bytes(std::span(values)).data(), values.size() * sizeof(float));
  }
  ~DeviceFloats() { device_.release(memory_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;

  std::byte* bytes() { return memory_; }
  float* floats() { return reinterpret_cast<float*>(memory_); }

  std::vector<float> on_host(std::size_t count) {
    std::vector<float> values(count);
    device_.copy_now(std::as_writable_bytes(std::span(values)).data(), memory_, count * sizeof(float));
    return values;
  }

 private:
  Device& device_;
  std::byte* memory_;
};

/// A GPU with the memory that one step reads and writes.
class DeviceStep {
 public:
  DeviceStep(std::size_t trainers, std::size_t floats)
      : floats_(floats),
        device_(open_cuda(0)),
        stream_(device_->make_stream(kMarks)),
        reducer_(*device_, *stream_, {floats}, OptimizerConfig{}, SumTree(deal_seats(trainers, trainers))),
        in_(*device_, std::vector<float>(floats, 0.5F)),
        out_(*device_, std::vector<float>(floats)) {
    for (std::size_t trainer = 0; trainer < trainers; ++trainer) {
      gradients_.push_back(std::make_unique<DeviceFloats>(*device_, gradient(trainer)));
      starts_.push_back(gradients_.back()->floats());
    }
  }

  DeviceStream& stream() { return *stream_; }

  void copy() { stream_->copy(out_.bytes(), in_.bytes(), floats_ * sizeof(float)); }

  void reduce() {
    reducer_.begin_step(kLearningRate, ++step_, in_.floats(), out_.floats(), starts_);
    reducer_.reduce({0, floats_ * sizeof(float)});
    reducer_.finish_step();
  }

  /// Throws `RunError` unless the first step gave what the host's reducer gives.
  void require_right() {
    HostReducer host({floats_}, OptimizerConfig{}, 1, SumTree(deal_seats(starts_.size(), starts_.size())));
    std::vector<std::vector<float>> gradients;
    std::vector<const float*> starts;
    for (std::size_t trainer = 0; trainer < starts_.size(); ++trainer) gradients.push_back(gradient(trainer));
    for (const auto& values : gradients) starts.push_back(values.data());
    const std::vector<float> in(floats_, 0.5F);
    std::vector<float> out(floats_);
    host.begin_step(kLearningRate, 1, in.data(), out.data(), starts);
    host.reduce({0, floats_ * sizeof(float)});
    host.finish_step();
    if (std::memcmp(out.data(), out_.on_host(floats_).data(), floats_ * sizeof(float)) == 0) return;
    throw RunError(ExitStatus::internal, "the GPU's parameters are not the host's after one step; this is a bug");
  }

 private:
  std::vector<float> gradient(std::size_t trainer) const {
    std::vector<float> values(floats_);
    for (std::size_t at = 0; at < floats_; ++at) values[at] = 1e-6F * static_cast<float>((at * 7 + trainer) % 2003);
    return values;
  }

  std::size_t floats_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<DeviceStream> stream_;
  DeviceReducer reducer_;
  DeviceFloats in_;
  DeviceFloats out_;
  std::vector<std::unique_ptr<DeviceFloats>> gradients_;
  std::vector<const float*> starts_;
  std::int64_t step_ = 0;
};

/// One step, and a copy of the parameters by turns, both by the device's clock. A copy moves two bytes for each that it
/// copies.
void reduction(benchmark::State& state, std::size_t trainers, std::uint64_t bytes) {
  DeviceStep step(trainers, bytes / sizeof(float));
  DeviceStream& stream = step.stream();
  step.reduce();
  const DeviceStream::Mark first = stream.mark();
  while (!stream.reached(first)) continue;
  step.require_right();
  double copying = 0;
  double stepping = 0;
  for (auto iteration : state) {
    (void)iteration;
    step.copy();  // while it runs, the work that is measured is given
    const DeviceStream::Mark begin = stream.mark();
    step.copy();
    const DeviceStream::Mark copied = stream.mark();
    step.reduce();
    const DeviceStream::Mark reduced = stream.mark();
    while (!stream.reached(reduced)) continue;
    const double time = static_cast<double>(stream.reached_ns(reduced) - stream.reached_ns(copied)) * 1e-9;
    copying += static_cast<double>(stream.reached_ns(copied) - stream.reached_ns(begin)) * 1e-9;
    stepping += time;
    state.SetIterationTime(time);
  }
  const double steps = static_cast<double>(state.iterations());
  const double moved = static_cast<double>((trainers + 6) * bytes) * steps;
  const double copy_rate = 2.0 * static_cast<double>(bytes) * steps / copying;
  state.SetBytesProcessed(static_cast<std::int64_t>(moved));
  state.counters["copy_bytes_per_second"] = copy_rate;
  state.counters["fraction_of_copy"] = moved / stepping / copy_rate;
}

}  // namespace

void register_device_reduction() {
  for (const std::size_t trainers : {1, 2, 4, 8}) {
    for (const std::uint64_t bytes : {kReferenceBytes, kLargeBytes}) {
      add(
          "device_reduction/trainers:" + std::to_string(trainers) + "/bytes:" + std::to_string(bytes),
          [trainers, bytes](benchmark::State& state) { reduction(state, trainers, bytes); }, Timing::manual)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace runnel
