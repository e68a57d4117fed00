// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <random>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/device/device.h"

namespace runnel::test {

/// A job to be reduced on a device and on the host.
struct Reduction {
  OptimizerConfig optimizer;
  std::size_t gradients = 1;
  std::size_t seats = 0;     // 0: as many as gradients
  std::size_t floats = 1;    // for the optimizer; whole blocks, and perhaps none, where others are averaged
  std::size_t averaged = 0;  // floats behind them
  std::size_t bucket_blocks = 1;

  std::string describe() const;
};

/// Every rule, with and without momentum and weight decay, as sum and mean, with and without clipping.
std::vector<OptimizerConfig> all_optimizers();

/// Makes three steps of random gradients with the device's reducer and with the host's, each with its buckets in a
/// random order; the gradients hold zeros of both signs, denormals and, without clipping, infinities. Gives what
/// differs in the parameters, empty when all bits are equal. Where the host's parameter is not a number, the device's
/// must be none: which one is the processor's choice.
std::string difference_to_host(Device& device, const Reduction& reduction, std::mt19937& random);

}  // namespace runnel::test
