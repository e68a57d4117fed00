// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/parameter_channel.h"

#include <algorithm>

namespace runnel {

ParameterChannel::ParameterChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& parameters,
                                   const BucketLayout& layout, const Shard& shard, TensorWindow& window,
                                   DeviceStream* stream)
    : fabric_(fabric),
      layout_(layout),
      shard_(shard),
      window_(window),
      generator_(link.peer),
      region_(link.endpoint,
              require_length(parameters, ParameterSlab::bytes(layout, shard), "parameter", link.peer.rank),
              fabric.mapping_policy(), fabric.device()),
      stream_(stream),
      buckets_(shard.buckets) {
  if (!is_mapped()) return;
  const std::size_t bytes = ParameterSlab::bytes(layout, shard);
  if (stream_ != nullptr) {
    device_buffers_.emplace(*fabric.device(), region_, /*offset=*/0, bytes);
    return;
  }
  for (int buffer = 0; buffer < kParameterBuffers; ++buffer) {
    window.map(buffer, shard,
               region_.mapped().first(bytes).subspan(ParameterSlab::buffer_offset(layout, shard, buffer)));
  }
}

Status ParameterChannel::fetch(const TrainerProtocol& protocol, std::uint32_t first_about) {
  if (in_place()) return Status();
  bool copies = false;
  for (std::uint32_t i = 0; i < shard_.buckets; ++i) {
    Bucket& bucket = buckets_[i];
    if (!protocol.parameters_ready(i)) continue;
    if (bucket.version == protocol.step() && bucket.state != State::absent) continue;
    const std::size_t offset = ParameterSlab::buffer_offset(layout_, shard_, buffer_of_version(protocol.step())) +
                               layout_.bucket_in(shard_, i).begin;
    const auto target = window_.bytes(buffer_of_version(protocol.step()), layout_.bucket(shard_.first_bucket + i));
    bucket.version = protocol.step();
    if (is_mapped()) {
      copy(bucket, target, offset);
      copies = true;
      continue;
    }
    bucket.begin_ns = fabric_.trace().begin();
    const Status status = fabric_.loop().queue().get(region_, offset, target, window_.slab(),
                                                     Tag{generator_.rank, first_about + i}.encode());
    if (!status.ok()) return status;
    bucket.state = State::under_way;
  }
  if (copies) stream_->let_compute_wait();
  return Status();
}

void ParameterChannel::copy(Bucket& bucket, std::span<std::byte> target, std::size_t offset) {
  if (fabric_.trace().on()) bucket.copy_begin = stream_->mark();
  stream_->copy(target.data(), device_buffers_->address() + offset, target.size());
  bucket.copy_end = stream_->mark();
  bucket.state = State::here;
}

void ParameterChannel::arrived(std::uint32_t bucket) {
  Bucket& here = buckets_[bucket];
  here.state = State::here;
  fabric_.trace().end(here.begin_ns, label(TraceWhat::fetch, bucket));
}

bool ParameterChannel::usable(const TrainerProtocol& protocol, std::uint32_t bucket) const {
  if (in_place()) return protocol.parameters_ready(bucket);
  return buckets_[bucket].version == protocol.step() && buckets_[bucket].state == State::here;
}

DeviceStream::Mark ParameterChannel::last_copy() const {
  return std::ranges::max_element(buckets_, {}, &Bucket::copy_end)->copy_end;
}

void ParameterChannel::record_copies() {
  if (!fabric_.trace().on() || !copies()) return;
  for (std::uint32_t i = 0; i < shard_.buckets; ++i) {
    fabric_.trace().add(stream_->reached_ns(buckets_[i].copy_begin), stream_->reached_ns(buckets_[i].copy_end),
                        label(TraceWhat::copy, i));
  }
}

TraceLabel ParameterChannel::label(TraceWhat what, std::uint32_t bucket) const {
  return {.what = what,
          .peer = static_cast<std::uint16_t>(generator_.rank),
          .bucket = shard_.index_of(bucket),
          .step = buckets_[bucket].version};
}

}  // namespace runnel
