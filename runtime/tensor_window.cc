// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/tensor_window.h"

namespace runnel {

TensorWindow::TensorWindow(const BucketLayout& layout) : layout_(layout), window_(kCopies * layout.padded_bytes()) {}

void TensorWindow::map(int copy, const Shard& shard, std::span<std::byte> memory) {
  const std::size_t offset = static_cast<std::size_t>(copy) * layout_.padded_bytes() + shard.bytes.begin;
  window_.overlay(offset, memory.first(layout_.padded_bytes(shard)));
}

void TensorWindow::register_memory(Context& context) {
  slab_ = Slab::register_memory(context, window_.bytes());
}

std::span<float> TensorWindow::floats(int copy) const {
  return {reinterpret_cast<float*>(bytes(copy, {0, layout_.bytes()}).data()), layout_.float_count()};
}

std::span<std::byte> TensorWindow::bytes(int copy, ByteRange range) const {
  return window_.bytes().subspan(static_cast<std::size_t>(copy) * layout_.padded_bytes() + range.begin, range.size());
}

}  // namespace runnel
