// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/library.h>

#include <vector>

#include "runtime/config/choices.h"

namespace runnel {

/// While an object made with `KernelSet::own` lives, LibTorch's dispatcher calls Runnel's kernels for `linear`,
/// `max_pool2d` and `dropout`, for every model of the process. Inputs that these do not take go to LibTorch's kernels.
///
/// Thread: the main thread, outside of passes.
class KernelChoice {
 public:
  explicit KernelChoice(KernelSet kernels);

 private:
  std::vector<torch::Library> own_;
};

}  // namespace runnel
