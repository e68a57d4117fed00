// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/sampler.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "runtime/base/random.h"

namespace runnel {

Sampler::Sampler(const Settings& settings) : settings_(settings), order_(settings.share.count) {
  std::iota(order_.begin(), order_.end(), static_cast<std::uint32_t>(settings.share.first));
}

std::span<const std::uint32_t> Sampler::batch(std::int64_t epoch, std::int64_t step_in_epoch) {
  if (settings_.shuffle && epoch != shuffled_epoch_) {
    shuffle_for(epoch);
  }
  const std::size_t begin =
      std::min<std::size_t>(order_.size(), static_cast<std::size_t>(step_in_epoch) * std::size_t{settings_.batch_size});
  const std::size_t end = std::min<std::size_t>(order_.size(), begin + settings_.batch_size);
  return std::span(order_).subspan(begin, end - begin);
}

// Fisher and Yates, from the file's order: std::shuffle's result differs from one standard library to another.
void Sampler::shuffle_for(std::int64_t epoch) {
  std::iota(order_.begin(), order_.end(), static_cast<std::uint32_t>(settings_.share.first));
  SplitMix64 random(
      derived_seed(settings_.seed, RandomStream::shuffle, settings_.trainer, static_cast<std::uint64_t>(epoch)));
  for (std::size_t left = order_.size(); left > 1; --left) {
    std::swap(order_[left - 1], order_[random.below(static_cast<std::uint32_t>(left))]);
  }
  shuffled_epoch_ = epoch;
}

}  // namespace runnel
