// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/library.h>

#include <vector>

#include "runtime/config/choices.h"

namespace runnel {

/// While this lives with `KernelSet::own`, LibTorch's dispatcher answers `linear`, `max_pool2d` and `dropout` with
/// Runnel's kernels, for every model of the process, C++ or not. What they do not take is left to LibTorch's.
///
/// Thread: the main thread, outside of passes.
class KernelChoice {
 public:
  explicit KernelChoice(KernelSet kernels);

 private:
  std::vector<torch::Library> own_;
};

}  // namespace runnel
