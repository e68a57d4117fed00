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

/// The parts of all seats of a process, which follow each other.
SampleRange parts_of(const Sampler::Settings& settings) {
  const auto part = [&](std::size_t index) {
    return contiguous_share(settings.samples, settings.first + index, settings.seats);
  };
  const SampleRange last = part(settings.count - 1);
  return {part(0).first, last.first + last.count - part(0).first};
}

}  // namespace

Sampler::Sampler(const Settings& settings)
    : settings_(settings), parts_(parts_of(settings)), order_(numbers_from(parts_.first, parts_.count)) {}

std::span<const std::uint32_t> Sampler::batch(std::int64_t epoch, std::int64_t step_in_epoch, std::size_t index) {
  if (settings_.shuffle != Shuffle::no && epoch != shuffled_epoch_) shuffle_for(epoch);
  const std::span<const std::uint32_t> own = part(index);
  const std::size_t begin =
      std::min<std::size_t>(own.size(), static_cast<std::size_t>(step_in_epoch) * std::size_t{settings_.batch_size});
  return own.subspan(begin, std::min<std::size_t>(own.size() - begin, settings_.batch_size));
}

std::span<std::uint32_t> Sampler::part(std::size_t index) {
  const SampleRange range = contiguous_share(settings_.samples, settings_.first + index, settings_.seats);
  return std::span(order_).subspan(range.first - parts_.first, range.count);
}

void Sampler::shuffle_for(std::int64_t epoch) {
  const auto seed = [&](RandomStream stream, std::size_t seat) {
    return derived_seed(settings_.seed, stream, seat, static_cast<std::uint64_t>(epoch));
  };
  if (settings_.shuffle == Shuffle::share) {
    order_ = numbers_from(parts_.first, parts_.count);
    for (std::size_t index = 0; index < settings_.count; ++index) {
      shuffle(part(index), seed(RandomStream::shuffle, settings_.first + index));
    }
  } else {
    std::vector<std::uint32_t> all = numbers_from(0, settings_.samples);
    shuffle(all, seed(RandomStream::deal, 0));
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(parts_.first);
    order_.assign(first, first + static_cast<std::ptrdiff_t>(parts_.count));
  }
  shuffled_epoch_ = epoch;
}

}  // namespace runnel
