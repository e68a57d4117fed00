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

/// The order in which neighbouring seats visit their samples, each one of `seats` equal parts of the data set.
///
/// Each epoch visits every sample of the data set once, over all seats. Depends on nothing but the settings: the
/// samples of a step depend neither on earlier steps nor on the process. Takes 4 bytes for each sample of the parts,
/// and with Shuffle::global for a moment those for all; an epoch is shuffled once for all of them. Thread: one at a
/// time.
class Sampler {
 public:
  struct Settings {
    std::size_t samples = 0;  ///< of the data set
    std::size_t seats = 1;
    std::size_t first = 0;  ///< of the neighbouring ones
    std::size_t count = 1;  ///< of them
    std::uint32_t batch_size = 1;
    Shuffle shuffle = Shuffle::global;
    std::uint64_t seed = 0;
  };

  explicit Sampler(const Settings& settings);

  /// Samples of a step of seat `first` + `index`, as indices into the data set; fewer than `batch_size` at the end
  /// of the part, none after it. Valid until the next call.
  std::span<const std::uint32_t> batch(std::int64_t epoch, std::int64_t step_in_epoch, std::size_t index = 0);

 private:
  void shuffle_for(std::int64_t epoch);

  /// The part of one of the seats, in `order_`.
  std::span<std::uint32_t> part(std::size_t index);

  Settings settings_;
  SampleRange parts_;                 // of the data set, or of its permutation
  std::vector<std::uint32_t> order_;  // of all parts, one after the other
  std::int64_t shuffled_epoch_ = -1;
};

}  // namespace runnel
