// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/split_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "trainer/dataset/permutation.h"

namespace runnel {

std::int64_t test_samples(std::int64_t samples, double fraction, std::int64_t gap) {
  const std::int64_t size = std::llround(fraction * static_cast<double>(samples));
  if (size >= 1 && size + gap < samples) return size;
  const std::string left_out = gap == 0 ? "" : ", and leaves out " + std::to_string(gap) + " before them";
  throw RunError(ExitStatus::bad_configuration, "key 'data.test_fraction': of " + std::to_string(samples) +
                                                    " samples it takes " + std::to_string(size) + " to test with" +
                                                    left_out + "; both splits need one");
}

SplitDataset::SplitDataset(std::unique_ptr<Dataset> samples, const Settings& settings)
    : samples_(std::move(samples)), size_(test_samples(samples_->size(), settings.test_fraction)) {
  const auto tests = static_cast<std::ptrdiff_t>(size_);
  const bool is_test = settings.split == Split::test;
  if (!is_test) size_ = samples_->size() - size_;
  if (settings.only_size) return;
  std::vector<std::uint32_t> order(static_cast<std::size_t>(samples_->size()));
  std::iota(order.begin(), order.end(), 0U);
  shuffle(order, derived_seed(settings.seed, RandomStream::split, 0, 0));
  const auto middle = order.begin() + tests;
  members_.assign(is_test ? order.begin() : middle, is_test ? middle : order.end());
  std::ranges::sort(members_);
}

void SplitDataset::read(std::span<const std::uint32_t> samples, Batch& batch) const {
  std::vector<std::uint32_t> members;
  members.reserve(samples.size());
  for (const std::uint32_t sample : samples) members.push_back(members_[sample]);
  samples_->read(members, batch);
}

}  // namespace runnel
