// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include <optional>

namespace runnel {

/// A point in the work that this thread submits to LibTorch.
///
/// A GPU works asynchronously. On the CPU the work before a mark is always done.
class ComputeMark {
 public:
  /// For a GPU: after load_torch_cuda().
  explicit ComputeMark(c10::Device device);

  /// Sets the mark after all work submitted so far.
  void set();

  /// Waits until the work before the mark is done; returns at once if the mark was never set.
  void wait() const;

 private:
  c10::Device device_;
  std::optional<c10::Event> event_;  // of a GPU
};

}  // namespace runnel
