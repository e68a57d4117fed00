// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan/sample_range.h"

namespace runnel {

/// The order in which a trainer visits the samples of its share.
///
/// Depends on nothing but its settings: the samples of a step depend neither on earlier steps nor on the process.
/// Thread: one at a time.
class Sampler {
 public:
  struct Settings {
    SampleRange share;  ///< the trainer's own samples
    std::uint32_t batch_size = 1;
    bool shuffle = true;  ///< a new permutation for each epoch; otherwise the order of the file
    std::uint64_t seed = 0;
    std::uint64_t trainer = 0;  ///< index; trainers shuffle differently
  };

  explicit Sampler(const Settings& settings);

  /// Samples of a step, as indices into the data set; fewer than `batch_size` at the end of the share, none after it.
  /// Valid until the next call.
  std::span<const std::uint32_t> batch(std::int64_t epoch, std::int64_t step_in_epoch);

 private:
  void shuffle_for(std::int64_t epoch);

  Settings settings_;
  std::vector<std::uint32_t> order_;
  std::int64_t shuffled_epoch_ = -1;
};

}  // namespace runnel
