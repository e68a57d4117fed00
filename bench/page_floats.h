// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace runnel {

/// Allocates page-aligned memory, as slots and parameters are in a generator's slabs. In memory from malloc, 16 bytes
/// after a page's begin, most wide loads and stores would touch two cache lines.
template <class T>
struct PageAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{4096};

  T* allocate(std::size_t count) { return static_cast<T*>(operator new(count * sizeof(T), kAlignment)); }
  void deallocate(T* start, std::size_t /*count*/) { operator delete(start, kAlignment); }

  bool operator==(const PageAllocator&) const = default;
};

using PageFloats = std::vector<float, PageAllocator<float>>;

}  // namespace runnel
