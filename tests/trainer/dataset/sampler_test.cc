// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <random>
#include <string>

#include "runtime/base/random.h"
#include "runtime/plan/run_plan.h"
#include "runtime/plan/sample_range.h"

namespace runnel {
namespace {

using testing::ElementsAre;

std::vector<std::uint32_t> epoch_of(Sampler& sampler, std::int64_t epoch, std::int64_t steps) {
  std::vector<std::uint32_t> samples;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto batch = sampler.batch(epoch, step);
    samples.insert(samples.end(), batch.begin(), batch.end());
  }
  return samples;
}

TEST(ContiguousShare, SpreadsTheRemainder) {
  EXPECT_EQ(contiguous_share(10, 0, 3), (SampleRange{0, 4}));
  EXPECT_EQ(contiguous_share(10, 1, 3), (SampleRange{4, 3}));
  EXPECT_EQ(contiguous_share(10, 2, 3), (SampleRange{7, 3}));
  EXPECT_EQ(contiguous_share(1, 1, 2), (SampleRange{1, 0}));
}

TEST(ContiguousShare, SharesAreNeighboursAndNoneIsDropped) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t samples = random.below(100000);
    const std::size_t parts = 1 + random.below(64);
    std::size_t next = 0;
    for (std::size_t part = 0; part < parts; ++part) {
      const SampleRange share = contiguous_share(samples, part, parts);
      ASSERT_EQ(share.first, next);
      ASSERT_LE(contiguous_share(samples, 0, parts).count - share.count, 1U);
      next += share.count;
    }
    ASSERT_EQ(next, samples);
  }
}

TEST(Sampler, WithoutShuffleKeepsTheOrderOfTheFile) {
  Sampler sampler({.samples = 5, .batch_size = 2, .shuffle = Shuffle::no});
  EXPECT_THAT(sampler.batch(0, 0), ElementsAre(0, 1));
  EXPECT_THAT(sampler.batch(0, 1), ElementsAre(2, 3));
  EXPECT_THAT(sampler.batch(0, 2), ElementsAre(4));
  EXPECT_THAT(sampler.batch(0, 3), ElementsAre());
  EXPECT_THAT(sampler.batch(7, 0), ElementsAre(0, 1));
}

TEST(Sampler, ASharesSamplesStayItsOwn) {
  for (const Shuffle shuffle : {Shuffle::no, Shuffle::share}) {
    for (std::size_t seat = 0; seat < 3; ++seat) {
      const SampleRange share = contiguous_share(100, seat, 3);
      Sampler sampler({.samples = 100, .seats = 3, .first = seat, .batch_size = 7, .shuffle = shuffle});
      for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
        for (const std::uint32_t sample : epoch_of(sampler, epoch, 6)) {
          ASSERT_GE(sample, share.first);
          ASSERT_LT(sample, share.first + share.count);
        }
      }
    }
  }
}

TEST(Sampler, NeighboursInAProcessAreAsEachOnItsOwn) {
  for (const Shuffle shuffle : {Shuffle::global, Shuffle::share, Shuffle::no}) {
    Sampler::Settings settings = {
        .samples = 101, .seats = 8, .first = 3, .count = 4, .batch_size = 5, .shuffle = shuffle, .seed = 9};
    Sampler together(settings);
    for (std::size_t index = 0; index < 4; ++index) {
      Sampler own({.samples = 101, .seats = 8, .first = 3 + index, .batch_size = 5, .shuffle = shuffle, .seed = 9});
      for (std::int64_t step = 0; step < 8; ++step) {
        const auto samples = own.batch(step / 4, step % 4);
        EXPECT_THAT(together.batch(step / 4, step % 4, index),
                    testing::ElementsAreArray(samples.begin(), samples.end()));
      }
    }
  }
}

TEST(Sampler, DealsAllSamplesAnewInEachEpoch) {
  Sampler sampler({.samples = 3000, .seats = 3, .first = 1, .batch_size = 1000});
  std::vector<std::uint32_t> first = epoch_of(sampler, 0, 1);
  std::vector<std::uint32_t> second = epoch_of(sampler, 1, 1);
  std::ranges::sort(first);
  std::ranges::sort(second);
  std::vector<std::uint32_t> both;
  std::ranges::set_intersection(first, second, std::back_inserter(both));
  // A third of the samples is expected in both; six standard deviations of that count.
  EXPECT_NEAR(static_cast<double>(both.size()), 333, 90);
}

constexpr Shuffle kShuffles[] = {Shuffle::global, Shuffle::share, Shuffle::no};

TEST(Sampler, AnEpochVisitsEachSampleOnceAndIsJustLongEnough) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t samples = 1 + random.below(3000);
    const std::uint32_t seats = 1 + random.below(9);
    const std::uint32_t batch_size = 1 + random.below(400);
    const RunPlan plan({.samples = samples, .seats = seats, .batch_size = batch_size, .max_epochs = 1});
    const std::uint32_t epoch = random.below(100);
    std::vector<std::uint32_t> visited;
    std::size_t in_last_step = 0;
    for (std::uint32_t seat = 0; seat < seats; ++seat) {
      Sampler sampler({.samples = samples,
                       .seats = seats,
                       .first = seat,
                       .batch_size = batch_size,
                       .shuffle = kShuffles[round % 3],
                       .seed = seed});
      const auto part = epoch_of(sampler, epoch, plan.total_steps());
      visited.insert(visited.end(), part.begin(), part.end());
      in_last_step += sampler.batch(epoch, plan.total_steps() - 1).size();
    }
    std::ranges::sort(visited);
    std::vector<std::uint32_t> all(samples);
    std::iota(all.begin(), all.end(), 0);
    ASSERT_EQ(visited, all);
    ASSERT_GT(in_last_step, 0U);
  }
}

TEST(Sampler, DropsOnlyBatchesThatAreNotFull) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const std::uint32_t seats = 1 + random.below(9);
    const std::uint32_t batch_size = 1 + random.below(40);
    const std::uint32_t samples = seats * batch_size + random.below(3000);
    const RunPlan plan(
        {.samples = samples, .seats = seats, .batch_size = batch_size, .drop_last = true, .max_epochs = 1});
    bool another_is_full = true;
    for (std::uint32_t seat = 0; seat < seats; ++seat) {
      Sampler sampler({.samples = samples, .seats = seats, .first = seat, .batch_size = batch_size});
      for (std::int64_t step = 0; step < plan.total_steps(); ++step) {
        ASSERT_EQ(sampler.batch(0, step).size(), batch_size);
      }
      another_is_full &= sampler.batch(0, plan.total_steps()).size() == batch_size;
    }
    ASSERT_FALSE(another_is_full);
  }
}

TEST(Sampler, DependsOnNothingButItsSettingsEpochAndStep) {
  for (const Shuffle shuffle : {Shuffle::global, Shuffle::share}) {
    const Sampler::Settings settings = {
        .samples = 2000, .seats = 2, .first = 1, .batch_size = 10, .shuffle = shuffle, .seed = 3};
    Sampler steady(settings);
    const auto first = epoch_of(steady, 0, 100);
    const auto second = epoch_of(steady, 1, 100);
    EXPECT_NE(first, second);

    Sampler jumping(settings);
    EXPECT_EQ(epoch_of(jumping, 1, 100), second);
    EXPECT_EQ(epoch_of(jumping, 0, 100), first);

    Sampler::Settings other = settings;
    other.seed = 4;
    Sampler other_seed(other);
    EXPECT_NE(epoch_of(other_seed, 0, 100), first);
  }
}

TEST(Sampler, TrainersShuffleTheirSharesDifferently) {
  Sampler first({.samples = 200, .seats = 2, .first = 0, .batch_size = 100, .shuffle = Shuffle::share});
  Sampler second({.samples = 200, .seats = 2, .first = 1, .batch_size = 100, .shuffle = Shuffle::share});
  std::vector<std::uint32_t> moved = epoch_of(first, 0, 1);
  for (std::uint32_t& sample : moved) sample += 100;
  EXPECT_NE(epoch_of(second, 0, 1), moved);
}

// The numbers are part of what a seed means: a run is repeatable on every machine and with every later version.
TEST(Sampler, ShufflesTheSameOnEveryMachine) {
  Sampler share({.samples = 60000, .batch_size = 6, .shuffle = Shuffle::share, .seed = 1});
  EXPECT_THAT(share.batch(0, 0), ElementsAre(45810, 55431, 29015, 27513, 35718, 26379));
  Sampler global({.samples = 60000, .seats = 2, .first = 1, .batch_size = 6, .seed = 1});
  EXPECT_THAT(global.batch(0, 0), ElementsAre(44025, 900, 38403, 57992, 18316, 58558));
}

// First outputs for seed 1234567 of the reference implementation, https://prng.di.unimi.it/splitmix64.c.
TEST(SplitMix64, GivesTheReferenceNumbers) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

TEST(SplitMix64, BelowIsFairAndInRange) {
  SplitMix64 random(11);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) {
    ++counts.at(random.below(7));
  }
  // Six standard deviations of a fair count.
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(10000 - 560), testing::Lt(10000 + 560))));
}

TEST(DerivedSeed, DiffersInEachOfItsInputs) {
  const std::uint64_t seed = derived_seed(1, RandomStream::shuffle, 2, 3);
  EXPECT_NE(seed, derived_seed(2, RandomStream::shuffle, 2, 3));
  EXPECT_NE(seed, derived_seed(1, RandomStream::dropout, 2, 3));
  EXPECT_NE(seed, derived_seed(1, RandomStream::shuffle, 3, 3));
  EXPECT_NE(seed, derived_seed(1, RandomStream::shuffle, 2, 4));
  EXPECT_NE(seed, derived_seed(1, RandomStream::shuffle, 3, 2));
}

}  // namespace
}  // namespace runnel
