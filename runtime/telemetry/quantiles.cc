// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/quantiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace runnel {

Quantiles quantiles(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto nearest_rank = [&samples](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(samples.size())));
    return samples[std::max<std::size_t>(rank, 1) - 1];
  };
  return {samples.front(), nearest_rank(0.50), nearest_rank(0.99)};
}

}  // namespace runnel
