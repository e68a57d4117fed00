// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/parameter_channel.h"

namespace runnel {

ParameterChannel::ParameterChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& parameters,
                                   const BucketLayout& layout)
    : fabric_(fabric),
      layout_(layout),
      region_(link.endpoint,
              require_length(parameters, slab_bytes(layout), "parameter", fabric.group().generator().rank),
              fabric.mapping_policy()) {
  if (!region_.is_mapped()) own_ = Slab::allocate(fabric.context(), slab_bytes(layout));
}

std::span<float> ParameterChannel::memory(int buffer) const {
  const auto bytes = (own_ ? own_->bytes() : region_.mapped()).subspan(buffer_offset(layout_, buffer));
  return {reinterpret_cast<float*>(bytes.data()), layout_.float_count()};
}

Status ParameterChannel::begin_fetch(int buffer) {
  const std::size_t offset = buffer_offset(layout_, buffer);
  return fabric_.queue().get(region_, offset, own_->bytes().subspan(offset, layout_.bytes()), *own_, kFetchTag);
}

}  // namespace runnel
