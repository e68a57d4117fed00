// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trainer/dataset/dataset.h"

namespace runnel {

/// The samples to test with, of `samples`. Throws `RunError` (bad_configuration) where a split would have none, also
/// after `gap` samples between both are left out.
std::int64_t test_samples(std::int64_t samples, double fraction, std::int64_t gap = 0);

/// Both splits from one set of samples: a random part, which `seed` draws, is the test, the rest the training split.
/// Each keeps the order of the samples.
///
/// Takes 4 bytes for each sample of the split, while it is made 4 more for each sample of both; with `only_size` none.
/// Thread: one at a time.
class SplitDataset final : public Dataset {
 public:
  struct Settings {
    double test_fraction = 0.1;  ///< above 0, below 1; the count is rounded
    std::uint64_t seed = 1;
    Split split = Split::train;
    bool only_size = false;
  };

  /// Throws `RunError` (bad_configuration) where a split would have no sample.
  SplitDataset(std::unique_ptr<Dataset> samples, const Settings& settings);

  std::int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return samples_->fields(); }
  void read(std::span<const std::uint32_t> samples, Batch& batch) const override;
  std::string fingerprint() const override { return samples_->fingerprint(); }

 private:
  std::unique_ptr<Dataset> samples_;
  std::int64_t size_;
  std::vector<std::uint32_t> members_;  // of this split, ascending
};

}  // namespace runnel
