// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/device_passes.h"

#include <cassert>

namespace runnel {

namespace {

/// Of the device's reducer, with clipping: between the two of a pass.
constexpr std::size_t kReducerMarks = 1;

}  // namespace

DevicePasses::DevicePasses(Device& device, std::uint32_t buckets)
    : stream_(device.make_stream(2 * std::size_t{buckets} + kReducerMarks)), passes_(buckets) {}

void DevicePasses::begin() {
  begun_ = stream_->mark();
}

void DevicePasses::end(std::uint32_t bucket, std::uint64_t word) {
  assert(count_ < passes_.size());
  passes_[(first_ + count_++) % passes_.size()] = {
      .bucket = bucket, .word = word, .begin = begun_, .end = stream_->mark()};
}

std::optional<std::uint64_t> DevicePasses::next_done(Trace& trace, std::uint64_t step) {
  if (idle() || !stream_->reached(passes_[first_].end)) return std::nullopt;
  const Pass& pass = passes_[first_];
  first_ = (first_ + 1) % passes_.size();
  --count_;
  if (trace.on()) {
    trace.add(stream_->reached_ns(pass.begin), stream_->reached_ns(pass.end),
              {.what = TraceWhat::reduce_on_device, .bucket = pass.bucket, .step = step});
  }
  return pass.word;
}

}  // namespace runnel
