// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace runnel {

/// Allocates at the begin of a page, where a generator's slots and parameters lie in its slabs. From malloc's 16 bytes
/// past it, most wide loads and stores would touch two lines.
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
