// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/device_stage.h"

namespace runnel {

DeviceStage::DeviceStage(DeviceStream& stream, const BucketLayout& layout, const Shard& shard,
                         const TensorWindow& window, const Slots& slots)
    : stream_(stream), layout_(layout), shard_(shard), window_(window), slots_(slots), marks_(shard.buckets) {}

void DeviceStage::begin(std::uint64_t step, std::uint32_t count) {
  if (step != step_) begun_ = done_ = 0;
  step_ = step;
  if (begun_ == count) return;
  stream_.wait_for_compute();
  const DeviceStream::Mark computed = stream_.mark();
  const int slot = slot_of_step(step);
  std::byte* const target = slots_[static_cast<std::size_t>(slot)];
  for (; begun_ < count; ++begun_) {
    const std::uint32_t bucket = shard_.buckets - 1 - begun_;
    marks_[begun_] = {.computed = computed, .copied = computed};
    if (target == nullptr) continue;
    const auto source = window_.bytes(slot, layout_.bucket(shard_.index_of(bucket)));
    stream_.copy(target + layout_.bucket_in(shard_, bucket).begin, source.data(), source.size());
    marks_[begun_].copied = stream_.mark();
  }
}

std::uint32_t DeviceStage::done() {
  while (done_ < begun_ && stream_.reached(marks_[done_].copied)) ++done_;
  return done_;
}

std::int64_t DeviceStage::computed_ns() {
  return stream_.reached_ns(marks_[begun_ - 1].computed);
}

void DeviceStage::record_into(Trace& trace, std::uint16_t peer) {
  if (!trace.on()) return;
  for (std::uint32_t i = 0; i < begun_; ++i) {
    const Marks& marks = marks_[i];
    if (marks.copied == marks.computed) continue;
    const DeviceStream::Mark before =
        i > 0 && marks_[i - 1].copied > marks.computed ? marks_[i - 1].copied : marks.computed;
    trace.add(
        stream_.reached_ns(before), stream_.reached_ns(marks.copied),
        {.what = TraceWhat::copy, .peer = peer, .bucket = shard_.index_of(shard_.buckets - 1 - i), .step = step_});
  }
}

}  // namespace runnel
