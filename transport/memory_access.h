// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace runnel {

/// How the processor reads and writes memory that its own loads and stores do not reach.
class MemoryAccess {
 public:
  virtual ~MemoryAccess() = default;

  /// Copies `bytes` bytes; source and target may each lie in that memory or in the host's. Complete on return.
  virtual void copy_now(std::byte* target, const std::byte* source, std::size_t bytes) = 0;
};

}  // namespace runnel
