// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/config/choices.h"
#include "runtime/plan/sample_range.h"

namespace runnel {

/// The order in which a trainer visits its samples, one of `trainers` equal parts of the data set.
///
/// Each epoch visits every sample of the data set once, over all trainers. Depends on nothing but the settings: the
/// samples of a step depend neither on earlier steps nor on the process. Takes 4 bytes for each sample of the part, and
/// with Shuffle::global for a moment those for all. Thread: one at a time.
class Sampler {
 public:
  struct Settings {
    std::size_t samples = 0;  ///< of the data set
    std::size_t trainers = 1;
    std::size_t trainer = 0;  ///< index
    std::uint32_t batch_size = 1;
    Shuffle shuffle = Shuffle::global;
    std::uint64_t seed = 0;
  };

  explicit Sampler(const Settings& settings);

  /// Samples of a step, as indices into the data set; fewer than `batch_size` at the end of the part, none after it.
  /// Valid until the next call.
  std::span<const std::uint32_t> batch(std::int64_t epoch, std::int64_t step_in_epoch);

 private:
  void shuffle_for(std::int64_t epoch);

  Settings settings_;
  SampleRange part_;  ///< of the data set, or of its permutation
  std::vector<std::uint32_t> order_;
  std::int64_t shuffled_epoch_ = -1;
};

}  // namespace runnel
