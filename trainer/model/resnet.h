// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/model/model.h"

namespace runnel {

/// Residual networks of 3x3 convolutions: images float32 [n, channels, height, width] to scores [n, classes].
///
/// Option `depth`: 20, 32 or 56 are the networks for CIFAR of He et al., "Deep residual learning for image
/// recognition", CVPR 2016, section 4.2, whose shortcuts are 1x1 convolutions where the shape changes (their option B);
/// 18 is torchvision's resnet18. Names and starting values are torchvision's. Options `classes`, `channels`.
std::unique_ptr<Model> make_resnet(const Options& options);

}  // namespace runnel
