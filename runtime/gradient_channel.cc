// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/gradient_channel.h"

#include <cstring>
#include <thread>

namespace runnel {
namespace {

/// Calls `post` until the queue takes the request: its operation slots free up as transfers complete.
template <class Post>
Status post_when_free(Fabric& fabric, Post&& post) {
  const Deadline deadline = fabric.deadline();
  for (;;) {
    const Status status = post();
    if (status.code() != StatusCode::queue_full) return status;
    fabric.drop_completions();
    if (fabric.liveness().stopping()) return Status(StatusCode::interrupted, "push");
    if (deadline.expired()) return Status(StatusCode::deadline_exceeded, "push");
    std::this_thread::yield();
  }
}

}  // namespace

GradientChannel::GradientChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& gradients,
                                 const BucketLayout& layout)
    : fabric_(fabric),
      link_(link),
      layout_(layout),
      trainer_(fabric.group().self().index),
      region_(link.endpoint,
              require_length(gradients, slab_bytes(layout, fabric.group().trainers()), "gradient",
                             fabric.group().generator().rank),
              fabric.mapping_policy()) {
  if (!region_.is_mapped()) own_ = Slab::allocate(fabric.context(), slab_bytes(layout, 1));
}

std::size_t GradientChannel::slab_bytes(const BucketLayout& layout, int trainers) {
  return slot_offset(layout, trainers, 0);
}

std::size_t GradientChannel::slot_offset(const BucketLayout& layout, int trainer, int slot) {
  return (static_cast<std::size_t>(trainer) * kSlots + static_cast<std::size_t>(slot)) * layout.padded_bytes();
}

std::span<float> GradientChannel::memory(int slot) const {
  const auto bytes = own_ ? own_->bytes().subspan(slot_offset(layout_, 0, slot))
                          : region_.mapped().subspan(slot_offset(layout_, trainer_, slot));
  return {reinterpret_cast<float*>(bytes.data()), layout_.float_count()};
}

Status GradientChannel::push(TrainerProtocol& protocol, const StepRecord& record) {
  const auto buckets = static_cast<std::uint32_t>(layout_.bucket_count());
  const int slot = protocol.slot();
  if (const Status status = put_record(record, slot); !status.ok()) return status;
  if (!own_) {
    const std::uint64_t word = protocol.hand_over(buckets);
    return fabric_.queue().ring(link_.gradient, word, 0);
  }
  const auto source = own_->bytes().subspan(slot_offset(layout_, 0, slot));
  const std::size_t target = slot_offset(layout_, trainer_, slot);
  for (std::uint32_t position = 0; position < buckets; ++position) {
    const ByteRange range = layout_.bucket(handed_over_as(position, buckets));
    const std::uint64_t word = protocol.hand_over(position + 1);
    const Status status = post_when_free(fabric_, [&] {
      return fabric_.queue().put_and_ring(region_, target + range.begin, source.subspan(range.begin, range.size()),
                                          *own_, link_.gradient, word, 0);
    });
    if (!status.ok()) return status;
  }
  return Status();
}

Status GradientChannel::put_record(const StepRecord& record, int slot) {
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::step_record(slot), sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  return post_when_free(fabric_, [&] {
    return fabric_.queue().put(link_.control, GeneratorControl::step_record(trainer_, slot), copy, fabric_.control(),
                               0);
  });
}

}  // namespace runnel
