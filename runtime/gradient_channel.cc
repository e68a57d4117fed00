// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/gradient_channel.h"

namespace runnel {
namespace {

// A bell is put when its bucket's flush is through, behind everything that is on its way by then: with all buckets on
// their way at once, the first bell would arrive behind the last bucket, and nothing could come back meanwhile. Two
// keep the network busy while a flush goes there and back.
constexpr std::uint32_t kInFlight = 2;

}  // namespace

GradientChannel::GradientChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& gradients,
                                 const BucketLayout& layout, const Shard& shard, TensorWindow& window)
    : fabric_(fabric),
      link_(link),
      layout_(layout),
      shard_(shard),
      window_(window),
      region_(
          link.endpoint,
          require_length(gradients, slab_bytes(layout, shard, fabric.group().trainers()), "gradient", link.peer.rank),
          fabric.mapping_policy()) {
  if (!is_mapped()) return;
  for (int slot = 0; slot < kSlots; ++slot) {
    window.map(slot, shard, region_.mapped().subspan(slot_offset(layout, shard, fabric.group().self().index, slot)));
  }
}

Status GradientChannel::hand_over(std::uint64_t step, std::uint32_t count, std::uint64_t tag) {
  if (step != step_) posted_ = 0;
  step_ = step;
  complete_ = count;
  if (!is_mapped()) return post(tag);
  if (posted_ == complete_) return Status();
  posted_ = complete_;
  return fabric_.queue().ring(link_.gradient, BellWord{.number = step_, .back = complete_}.encode(), 0);
}

Status GradientChannel::sent(std::uint64_t tag) {
  --in_flight_;
  return post(tag);
}

Status GradientChannel::post(std::uint64_t tag) {
  while (posted_ < complete_ && in_flight_ < kInFlight) {
    if (const Status status = put_bucket(shard_.buckets - 1 - posted_, tag); !status.ok()) return status;
    ++posted_;
    ++in_flight_;
  }
  return Status();
}

Status GradientChannel::put_bucket(std::uint32_t bucket, std::uint64_t tag) {
  const int slot = slot_of_step(step_);
  const std::size_t target = slot_offset(layout_, shard_, fabric_.group().self().index, slot);
  const BellWord word{.number = step_, .back = shard_.buckets - bucket};
  return fabric_.queue().put_and_ring(region_, target + layout_.bucket_in(shard_, bucket).begin,
                                      window_.bytes(slot, layout_.bucket(shard_.first_bucket + bucket)), window_.slab(),
                                      link_.gradient, word.encode(), tag);
}

}  // namespace runnel
