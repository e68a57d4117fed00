// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/gradient_channel.h"

#include <algorithm>

namespace runnel {

GradientChannel::GradientChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& gradients,
                                 const BucketLayout& layout, const Shard& shard, TensorWindow& window,
                                 DeviceStream* stream)
    : fabric_(fabric),
      link_(link),
      layout_(layout),
      shard_(shard),
      window_(window),
      region_(link.endpoint,
              require_length(gradients, GradientSlab::bytes(layout, shard, fabric.group().trainers()), "gradient",
                             link.peer.rank),
              fabric.mapping_policy(), fabric.device()) {
  if (stream != nullptr) {
    stage_ = std::make_unique<DeviceStage>(*stream, layout, shard, window, reach_slots());
    return;
  }
  stage_ = std::make_unique<HostStage>();
  for (int slot = 0; is_mapped() && slot < kSlots; ++slot) {
    window.map(slot, shard,
               region_.mapped().subspan(GradientSlab::slot_offset(layout, shard, fabric.group().self().index, slot)));
  }
}

/// The mapped slots, for the device.
DeviceStage::Slots GradientChannel::reach_slots() {
  if (!is_mapped()) return {};
  const std::size_t slot_bytes = layout_.padded_bytes(shard_);
  device_slots_.emplace(*fabric_.device(), region_, slots().offset, kSlots * slot_bytes);
  return {device_slots_->address(), device_slots_->address() + slot_bytes};
}

PathProbe::Place GradientChannel::slots() const {
  return {region_, GradientSlab::slot_offset(layout_, shard_, fabric_.group().self().index, 0)};
}

Status GradientChannel::hand_over_early(std::uint64_t step, std::uint64_t tag) {
  return hand_over(step, std::min(stage_->done(), shard_.buckets - 1), tag);
}

Status GradientChannel::hand_over(std::uint64_t step, std::uint32_t count, std::uint64_t tag) {
  if (step != step_) posted_ = 0;
  step_ = step;
  complete_ = count;
  if (!is_mapped()) return post(tag);
  if (posted_ == complete_) return Status();
  posted_ = complete_;
  fabric_.trace().instant(label(TraceWhat::bell, shard_.buckets - complete_));  // before the generator can see it
  return fabric_.loop().queue().ring(link_.gradient, BellWord{.number = step_, .back = complete_}.encode(), tag);
}

Status GradientChannel::sent(std::uint64_t tag) {
  if (is_mapped()) return Status();  // a ring covers all buckets at once
  fabric_.trace().end(puts_.front().begin_ns, puts_.front().label);
  std::move(puts_.begin() + 1, puts_.end(), puts_.begin());
  --in_flight_;
  return post(tag);
}

Status GradientChannel::post(std::uint64_t tag) {
  while (posted_ < complete_ && in_flight_ < kInFlight) {
    const std::uint32_t bucket = shard_.buckets - 1 - posted_;
    puts_[in_flight_] = {.begin_ns = fabric_.trace().begin(), .label = label(TraceWhat::put, bucket)};
    if (const Status status = put_bucket(bucket, tag); !status.ok()) return status;
    ++posted_;
    ++in_flight_;
  }
  return Status();
}

Status GradientChannel::put_bucket(std::uint32_t bucket, std::uint64_t tag) {
  const int slot = slot_of_step(step_);
  const std::size_t target = GradientSlab::slot_offset(layout_, shard_, fabric_.group().self().index, slot);
  const BellWord word{.number = step_, .back = shard_.buckets - bucket};
  return fabric_.loop().queue().put_and_ring(region_, target + layout_.bucket_in(shard_, bucket).begin,
                                             window_.bytes(slot, layout_.bucket(shard_.first_bucket + bucket)),
                                             window_.slab(), link_.gradient, word.encode(), tag);
}

TraceLabel GradientChannel::label(TraceWhat what, std::uint32_t bucket) const {
  return {.what = what,
          .peer = static_cast<std::uint16_t>(link_.peer.rank),
          .bucket = shard_.index_of(bucket),
          .step = step_};
}

}  // namespace runnel
