// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>

namespace runnel {

/// What a random number is for. Draws for different purposes are independent of each other.
enum class RandomStream : std::uint64_t {
  shuffle = 1,
  dropout = 2,
  sample = 3,
  rule = 4,
  deal = 5,
  split = 6,
  change = 7,  // of a sample that is read, such as a crop
};

/// The SplitMix64 generator: small, and it gives the same numbers on every machine and with every standard library.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with Stafford's mix 13.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    return mix(state_);
  }

  /// A number in [0, bound), each equally likely. Needs 0 < bound < 2^32.
  /// Source: Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019), algorithm 5.
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = (next() >> 32) * bound;
    const std::uint32_t unfair = (0U - bound) % bound;
    while (static_cast<std::uint32_t>(product) < unfair) {
      product = (next() >> 32) * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

/// The seed for one use of random numbers. Depends on nothing but its arguments, so that a step that is repeated, in
/// this process or another, draws the same numbers.
///
/// | stream | `trainer` | `counter` |
/// |---|---|---|
/// | shuffle | the trainer | epoch |
/// | dropout | the trainer | step |
/// | sample, of synthetic data | the split | index of the sample |
/// | rule, of synthetic data | 0 | part of the rule |
/// | deal | 0 | epoch |
/// | split | 0 | 0 |
/// | change, of a batch | the trainer | epoch |
/// | change, of a sample: `run_seed` is the batch's | 0 | index of the sample |
constexpr std::uint64_t derived_seed(std::uint64_t run_seed, RandomStream stream, std::uint64_t trainer,
                                     std::uint64_t counter) {
  std::uint64_t seed = SplitMix64::mix(run_seed + 0x9E3779B97F4A7C15U);
  for (const std::uint64_t word : {static_cast<std::uint64_t>(stream), trainer, counter}) {
    seed = SplitMix64::mix(seed ^ (word + 0x9E3779B97F4A7C15U));
  }
  return seed;
}

}  // namespace runnel
