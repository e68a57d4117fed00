// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/device_reduction.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>

#include "runtime/reduction/device_reducer.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel::test {
namespace {

constexpr int kSteps = 3;

using Floats = std::vector<float>;

Floats random_floats(std::mt19937& random, std::size_t count, bool infinities) {
  std::normal_distribution<float> normal(0, 1);
  Floats floats(count);
  for (float& x : floats) {
    x = normal(random);
    const auto special = random() % 1000;
    if (special < 2) x = std::copysign(0.0F, x);
    if (special < 20) x *= std::numeric_limits<float>::denorm_min() * 1000;
    if (infinities && special == 20) x = std::copysign(std::numeric_limits<float>::infinity(), x);
  }
  return floats;
}

/// Floats of the host, or a copy of them in a device's memory.
class DeviceFloats {
 public:
  DeviceFloats(Device& device, const Floats& floats)
      : device_(device), memory_(device.allocate(floats.size() * sizeof(float))), count_(floats.size()) {
    device.copy_now(memory_, std::as_bytes(std::span(floats)).data(), count_ * sizeof(float));
  }
  ~DeviceFloats() { device_.release(memory_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;

  float* data() const { return reinterpret_cast<float*>(memory_); }

  Floats read() const {
    Floats floats(count_);
    device_.copy_now(std::as_writable_bytes(std::span(floats)).data(), memory_, count_ * sizeof(float));
    return floats;
  }

 private:
  Device& device_;
  std::byte* memory_;
  std::size_t count_;
};

/// A step with the buckets in a random order.
void make_step(Reducer& reducer, const Reduction& reduction, std::mt19937& random, int step, const float* in,
               float* out, const std::vector<const float*>& gradients) {
  std::vector<ByteRange> buckets;
  std::size_t begin = 0;
  for (const std::size_t floats : {reduction.floats, reduction.floats + reduction.averaged}) {
    for (const std::size_t bytes = floats * sizeof(float); begin < bytes; begin = buckets.back().end) {
      buckets.push_back({begin, std::min(begin + reduction.bucket_blocks * kBlockBytes, bytes)});
    }
  }
  std::shuffle(buckets.begin(), buckets.end(), random);
  reducer.begin_step(0.1, step, in, out, gradients);
  for (const ByteRange& bucket : buckets) reducer.reduce(bucket);
  reducer.finish_step();
}

SumTree tree_of(const Reduction& reduction) {
  return SumTree(deal_seats(std::max(reduction.seats, reduction.gradients), reduction.gradients));
}

Floats run_on_host(const Reduction& reduction, std::mt19937& random, Floats in,
                   const std::vector<std::vector<Floats>>& gradients) {
  HostReducer reducer({reduction.floats, reduction.averaged}, reduction.optimizer, 1, tree_of(reduction));
  Floats out(in.size());
  for (int step = 1; step <= kSteps; ++step) {
    std::vector<const float*> starts;
    for (const Floats& gradient : gradients[step - 1]) starts.push_back(gradient.data());
    make_step(reducer, reduction, random, step, in.data(), out.data(), starts);
    std::swap(in, out);
  }
  return in;
}

Floats run_on_device(Device& device, const Reduction& reduction, std::mt19937& random, const Floats& start,
                     const std::vector<std::vector<Floats>>& gradients) {
  const auto stream = device.make_stream(1);
  DeviceReducer reducer(device, *stream, {reduction.floats, reduction.averaged}, reduction.optimizer,
                        tree_of(reduction));
  const DeviceFloats buffers[2] = {DeviceFloats(device, start), DeviceFloats(device, Floats(start.size()))};
  for (int step = 1; step <= kSteps; ++step) {
    std::vector<std::unique_ptr<DeviceFloats>> slots;
    std::vector<const float*> starts;
    for (const Floats& gradient : gradients[step - 1]) {
      starts.push_back(slots.emplace_back(std::make_unique<DeviceFloats>(device, gradient))->data());
    }
    stream->wait_for_compute();  // which copies the gradients
    make_step(reducer, reduction, random, step, buffers[(step - 1) % 2].data(), buffers[step % 2].data(), starts);
    const DeviceStream::Mark done = stream->mark();
    while (!stream->reached(done)) {
    }
  }
  return buffers[kSteps % 2].read();
}

bool same(float host, float device) {
  if (std::isnan(host)) return std::isnan(device);
  return std::bit_cast<std::uint32_t>(host) == std::bit_cast<std::uint32_t>(device);
}

}  // namespace

std::string Reduction::describe() const {
  std::ostringstream text;
  text << word_of(optimizer.name) << " momentum " << optimizer.momentum << " weight_decay " << optimizer.weight_decay
       << ' ' << word_of(optimizer.reduce) << " clip_norm " << optimizer.clip_norm << ", " << gradients
       << " gradients of " << seats << " seats (0: one each)"
       << ", " << floats << " floats and " << averaged << " averaged ones in buckets of " << bucket_blocks << " blocks";
  return text.str();
}

std::vector<OptimizerConfig> all_optimizers() {
  std::vector<OptimizerConfig> all;
  std::vector<OptimizerConfig> rules;
  for (const auto& rule : kChoices<RuleKind>)
    rules.push_back({.name = rule.value, .weight_decay = 0.01, .schedule = {}});
  rules.push_back({.name = RuleKind::sgd, .momentum = 0.9, .weight_decay = 0.01, .schedule = {}});
  rules.push_back({.name = RuleKind::adam, .betas = {0.3, 0.5}, .weight_decay = 0.01, .schedule = {}});
  for (OptimizerConfig& rule : rules) {
    for (const ReduceKind reduce : {ReduceKind::sum, ReduceKind::mean}) {
      for (const double clip_norm : {0.0, 0.5}) {
        rule.reduce = reduce;
        rule.clip_norm = clip_norm;
        all.push_back(rule);
      }
    }
  }
  return all;
}

std::string difference_to_host(Device& device, const Reduction& reduction, std::mt19937& random) {
  const bool infinities = reduction.optimizer.clip_norm == 0;
  const std::size_t floats = reduction.floats + reduction.averaged;
  const Floats start = random_floats(random, floats, false);
  std::vector<std::vector<Floats>> gradients(kSteps);
  for (auto& step : gradients) {
    for (std::size_t i = 0; i < reduction.gradients; ++i) {
      step.push_back(random_floats(random, floats, infinities));
    }
  }
  const Floats host = run_on_host(reduction, random, start, gradients);
  const Floats found = run_on_device(device, reduction, random, start, gradients);
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (same(host[i], found[i])) continue;
    std::ostringstream text;
    text << std::hexfloat << "float " << i << " is " << found[i] << " on the device and " << host[i] << " on the host";
    return text.str();
  }
  return "";
}

}  // namespace runnel::test
