// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

namespace runnel {

/// Minimum, median and 99th percentile of a series.
struct Quantiles {
  double min = 0;
  double p50 = 0;
  double p99 = 0;
};

/// Nearest-rank quantiles: the smallest sample that is not below p percent of all. All 0 without samples.
Quantiles quantiles(std::vector<double> samples);

}  // namespace runnel
