// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/torch_setup.h"

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <torch/version.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace runnel {
namespace {

/// Allocates memory of tensors with plain malloc.
///
/// LibTorch's own allocator asks glibc for aligned blocks, and glibc 2.36 cannot serve such a request from the hole of
/// an equal freed block, because it looks for one that is larger by the alignment: now and then a step's largest tensor
/// takes new memory, and a trainer grows by megabytes. Here equal sizes are equal requests.
class TensorAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0) return {nullptr, cpu};
    auto* const block = static_cast<std::byte*>(std::malloc(bytes + kAlignment));
    if (block == nullptr) throw std::bad_alloc();
    // malloc aligns to 16, so that at least 16 bytes lie before the data: room for the block's address.
    std::byte* const data = block + kAlignment - reinterpret_cast<std::uintptr_t>(block) % kAlignment;
    std::memcpy(data - sizeof block, &block, sizeof block);
    return {data, data, &TensorAllocator::release, cpu};
  }

  // With this, and `allocate`'s context equal to its data, LibTorch can hold memory by a bare pointer.
  c10::DeleterFnPtr raw_deleter() const override { return &TensorAllocator::release; }

  void copy_data(void* target, const void* source, std::size_t bytes) const override {
    std::memcpy(target, source, bytes);
  }

 private:
  static constexpr std::size_t kAlignment = 64;  // LibTorch's, for its vector instructions

  static void release(void* data) {
    if (data == nullptr) return;
    std::byte* block = nullptr;
    std::memcpy(&block, static_cast<std::byte*>(data) - sizeof block, sizeof block);
    std::free(block);
  }
};

}  // namespace

void keep_freed_memory() {
  static TensorAllocator allocator;
  c10::SetCPUAllocator(&allocator);
  // Everything below this size comes from the heap, not from a mapping of its own.
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  // The top of the heap is never returned: -1 means never.
  mallopt(M_TRIM_THRESHOLD, -1);
  // The heap grows in large steps, not with each tensor.
  constexpr int kGrowthBytes = 64 << 20;
  mallopt(M_TOP_PAD, kGrowthBytes);
}

void release_freed_memory() {
  malloc_trim(0);
}

void set_torch_threads(std::int64_t threads) {
  at::set_num_threads(static_cast<int>(threads));
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace runnel
