// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/compute/objective.h"

/// The objectives that come with Runnel. README.md has their options. They take the model's first output and the
/// batch's last field, the target.
namespace runnel {

/// Mean negative log-likelihood of log-probabilities [n, classes, …] for targets int64 [n, …].
std::unique_ptr<Objective> make_nll(const Options& options);

/// The same of scores before the softmax: [n, classes, …], or [n, length, classes] for targets [n, length] where the
/// option `classes` is "last".
std::unique_ptr<Objective> make_cross_entropy(const Options& options);

/// Mean squared, or absolute, difference of output and target, of the same shape.
std::unique_ptr<Objective> make_mse(const Options& options);
std::unique_ptr<Objective> make_l1(const Options& options);

/// Mean binary cross entropy of scores before the sigmoid for targets from 0 to 1, of the same shape.
std::unique_ptr<Objective> make_bce_with_logits(const Options& options);

/// The first output is the loss, a scalar.
std::unique_ptr<Objective> make_output_loss(const Options& options);

}  // namespace runnel
