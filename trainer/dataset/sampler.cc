// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/sampler.h"

#include <algorithm>
#include <numeric>

#include "runtime/base/random.h"
#include "trainer/dataset/permutation.h"

namespace runnel {
namespace {

std::vector<std::uint32_t> numbers_from(std::size_t first, std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
  return numbers;
}

}  // namespace

Sampler::Sampler(const Settings& settings)
    : settings_(settings),
      part_(contiguous_share(settings.samples, settings.trainer, settings.trainers)),
      order_(numbers_from(part_.first, part_.count)) {}

std::span<const std::uint32_t> Sampler::batch(std::int64_t epoch, std::int64_t step_in_epoch) {
  if (settings_.shuffle != Shuffle::no && epoch != shuffled_epoch_) shuffle_for(epoch);
  const std::size_t begin =
      std::min<std::size_t>(order_.size(), static_cast<std::size_t>(step_in_epoch) * std::size_t{settings_.batch_size});
  const std::size_t end = std::min<std::size_t>(order_.size(), begin + settings_.batch_size);
  return std::span(order_).subspan(begin, end - begin);
}

void Sampler::shuffle_for(std::int64_t epoch) {
  const auto seed = [&](RandomStream stream, std::size_t trainer) {
    return derived_seed(settings_.seed, stream, trainer, static_cast<std::uint64_t>(epoch));
  };
  if (settings_.shuffle == Shuffle::share) {
    order_ = numbers_from(part_.first, part_.count);
    shuffle(order_, seed(RandomStream::shuffle, settings_.trainer));
  } else {
    std::vector<std::uint32_t> all = numbers_from(0, settings_.samples);
    shuffle(all, seed(RandomStream::deal, 0));
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(part_.first);
    order_.assign(first, first + static_cast<std::ptrdiff_t>(part_.count));
  }
  shuffled_epoch_ = epoch;
}

}  // namespace runnel
