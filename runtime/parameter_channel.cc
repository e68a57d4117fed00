// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/parameter_channel.h"

namespace runnel {

ParameterChannel::ParameterChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& parameters,
                                   const BucketLayout& layout, const Shard& shard, TensorWindow& window)
    : fabric_(fabric),
      layout_(layout),
      shard_(shard),
      window_(window),
      generator_(link.peer),
      region_(link.endpoint, require_length(parameters, slab_bytes(layout, shard), "parameter", link.peer.rank),
              fabric.mapping_policy()),
      buckets_(shard.buckets) {
  if (!is_mapped()) return;
  for (int buffer = 0; buffer < kParameterBuffers; ++buffer) {
    window.map(buffer, shard, region_.mapped().subspan(buffer_offset(layout, shard, buffer)));
  }
}

Status ParameterChannel::fetch(const TrainerProtocol& protocol, std::uint64_t tag_base) {
  if (is_mapped()) return Status();
  for (std::uint32_t i = 0; i < shard_.buckets; ++i) {
    Bucket& bucket = buckets_[i];
    if (!protocol.parameters_ready(i)) continue;
    if (bucket.version == protocol.step() && bucket.state != State::absent) continue;
    const std::size_t offset =
        buffer_offset(layout_, shard_, buffer_of_version(protocol.step())) + layout_.bucket_in(shard_, i).begin;
    const auto target = window_.bytes(buffer_of_version(protocol.step()), layout_.bucket(shard_.first_bucket + i));
    const std::int64_t begin_ns = fabric_.trace().begin();
    const Status status = fabric_.queue().get(region_, offset, target, window_.slab(), tag_base + i);
    if (!status.ok()) return status;
    bucket = {.version = protocol.step(), .state = State::under_way, .begin_ns = begin_ns};
  }
  return Status();
}

void ParameterChannel::arrived(std::uint32_t bucket) {
  Bucket& here = buckets_[bucket];
  here.state = State::here;
  fabric_.trace().end(here.begin_ns, {.what = TraceWhat::fetch,
                                      .peer = static_cast<std::uint16_t>(generator_.rank),
                                      .bucket = static_cast<std::uint32_t>(shard_.first_bucket) + bucket,
                                      .step = here.version});
}

bool ParameterChannel::usable(const TrainerProtocol& protocol, std::uint32_t bucket) const {
  if (is_mapped()) return protocol.parameters_ready(bucket);
  return buckets_[bucket].version == protocol.step() && buckets_[bucket].state == State::here;
}

}  // namespace runnel
