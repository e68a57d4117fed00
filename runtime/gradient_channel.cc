// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/gradient_channel.h"

namespace runnel {

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

Status GradientChannel::hand_over(TrainerProtocol& protocol, std::uint32_t count) {
  if (count <= handed_over_) return Status();
  if (is_mapped()) {
    const Status status = fabric_.queue().ring(link_.gradient, protocol.hand_over_word(count), 0);
    if (!status.ok()) return status;
    handed_over_ = count;
  }
  for (; handed_over_ < count; ++handed_over_) {
    const Status status = put_bucket(protocol, protocol.buckets() - 1 - handed_over_);
    if (!status.ok()) return status;
  }
  if (count == protocol.buckets()) {
    protocol.end_step();
    handed_over_ = 0;
  }
  return Status();
}

Status GradientChannel::put_bucket(const TrainerProtocol& protocol, std::uint32_t bucket) {
  const int slot = protocol.slot();
  const std::size_t target = slot_offset(layout_, shard_, fabric_.group().self().index, slot);
  return fabric_.queue().put_and_ring(region_, target + layout_.bucket_in(shard_, bucket).begin,
                                      window_.bytes(slot, layout_.bucket(shard_.first_bucket + bucket)), window_.slab(),
                                      link_.gradient, protocol.hand_over_word(protocol.buckets() - bucket), 0);
}

}  // namespace runnel
