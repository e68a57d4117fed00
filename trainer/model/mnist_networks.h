// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/model/model.h"

/// Networks for grey images of 28x28 pixels that give log-probabilities [n, 10]. Option `dropout`: two shares.
namespace runnel {

/// Two convolutions and two linear layers: the network of PyTorch's MNIST example.
std::unique_ptr<Model> make_mnist_cnn(const Options& options);

/// Three linear layers, 30 million parameters: to measure the cost of moving them.
std::unique_ptr<Model> make_mnist_mlp(const Options& options);

}  // namespace runnel
