// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/tensor_window.h"

namespace runnel {

TensorWindow::TensorWindow(const BucketLayout& layout, Context& context, Device* device) : layout_(layout) {
  const std::size_t bytes = kCopies * layout.padded_bytes();
  if (device != nullptr) on_device_.emplace(context, device, bytes);
  if (device == nullptr) on_host_.emplace(bytes);
  bytes_ = on_device_ ? on_device_->bytes() : on_host_->bytes();
}

void TensorWindow::map(int copy, const Shard& shard, std::span<std::byte> memory) {
  const std::size_t offset = static_cast<std::size_t>(copy) * layout_.padded_bytes() + shard.bytes.begin;
  on_host_->overlay(offset, memory.first(layout_.padded_bytes(shard)));
}

void TensorWindow::register_memory(Context& context) {
  if (on_host_) slab_ = Slab::register_memory(context, bytes_);
}

std::span<float> TensorWindow::floats(int copy) const {
  return {reinterpret_cast<float*>(bytes(copy, {0, layout_.bytes()}).data()), layout_.float_count()};
}

std::span<std::byte> TensorWindow::bytes(int copy, ByteRange range) const {
  return bytes_.subspan(static_cast<std::size_t>(copy) * layout_.padded_bytes() + range.begin, range.size());
}

}  // namespace runnel
