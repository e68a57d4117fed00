// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Tensors with the rule `average` beside those of the optimizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <vector>

#include "runtime/protocol/bucket_layout.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {
namespace {

using Floats = std::vector<float>;

constexpr int kSteps = 3;

struct Job {
  BucketLayout layout;
  OptimizerConfig optimizer;
  std::size_t seats;
  std::size_t threads;
  std::vector<std::vector<Floats>> gradients;  // of each step, of each trainer
  Floats start;

  std::string describe() const {
    std::ostringstream text;
    text << word_of(optimizer.name) << ' ' << word_of(optimizer.reduce) << " clip_norm " << optimizer.clip_norm << ", "
         << gradients[0].size() << " trainers, " << seats << " seats, " << layout.float_counts().optimized
         << " floats and " << layout.float_counts().averaged << " averaged ones in " << layout.shard_count()
         << " shards and " << layout.bucket_count() << " buckets, " << threads << " threads";
    return text.str();
  }
};

SumTree tree_of(const Job& job) {
  return SumTree(deal_seats(job.seats, job.gradients[0].size()));
}

SumTree tree_of(std::size_t trainers) {
  return SumTree(deal_seats(trainers, trainers));
}

Floats random_floats(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> normal(0, 1);
  Floats floats(count);
  for (float& x : floats) x = normal(random);
  return floats;
}

BucketLayout random_layout(std::mt19937& random, bool one_shard) {
  const auto any_size = [&] { return 1 + static_cast<std::int64_t>(random() % (2 * kBlockFloats)); };
  const std::vector<BucketLayout::Tensor> tensors = {{"w", {any_size()}},
                                                     {"b", {any_size()}},
                                                     {"mean", {any_size()}, TensorRule::average},
                                                     {"var", {any_size()}, TensorRule::average}};
  const std::size_t blocks = BucketLayout(tensors, kBlockBytes).padded_bytes() / kBlockBytes;
  return {tensors, kBlockBytes * (1 + random() % 4), one_shard ? 1 : 1 + random() % blocks};
}

Job random_job(std::mt19937& random, const OptimizerConfig& optimizer) {
  const std::size_t trainers = 1 + random() % 9;
  Job job = {.layout = random_layout(random, optimizer.clip_norm > 0),
             .optimizer = optimizer,
             .seats = std::max<std::size_t>(trainers, random() % 20),
             .threads = 1 + random() % 3,
             .gradients = std::vector<std::vector<Floats>>(kSteps, std::vector<Floats>(trainers)),
             .start = {}};
  job.start = random_floats(random, job.layout.float_count());
  for (auto& step : job.gradients) {
    for (Floats& gradient : step) gradient = random_floats(random, job.layout.float_count());
  }
  return job;
}

// All steps of the generator that owns `shard`, its buckets in a random order. Writes into `parameters`.
void run_shard(const Job& job, const Shard& shard, std::mt19937& random, Floats& parameters) {
  HostReducer reducer(job.layout.float_counts(shard), job.optimizer, job.threads, tree_of(job));
  const std::size_t first = shard.bytes.begin / sizeof(float);
  const std::size_t last = shard.bytes.end / sizeof(float);
  Floats in(job.start.data() + first, job.start.data() + last);
  Floats out(in.size());
  std::vector<std::uint32_t> order(shard.buckets);
  for (std::uint32_t i = 0; i < shard.buckets; ++i) order[i] = i;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<const float*> starts;
    for (const Floats& gradient : job.gradients[step]) starts.push_back(gradient.data() + first);
    std::shuffle(order.begin(), order.end(), random);
    reducer.begin_step(0.1, step + 1, in.data(), out.data(), starts);
    for (const std::uint32_t bucket : order) reducer.reduce(job.layout.bucket_in(shard, bucket));
    reducer.finish_step();
    std::swap(in, out);
  }
  std::copy(in.begin(), in.end(), parameters.begin() + static_cast<std::ptrdiff_t>(first));
}

Floats run(const Job& job, std::mt19937& random) {
  Floats parameters(job.layout.float_count());
  for (std::size_t i = 0; i < job.layout.shard_count(); ++i) run_shard(job, job.layout.shard(i), random, parameters);
  return parameters;
}

// What the optimizer's part becomes where there is no other.
Floats run_without_averaged(const Job& job) {
  const std::size_t floats = job.layout.float_counts().optimized;
  HostReducer reducer({floats}, job.optimizer, 1, tree_of(job));
  Floats in(job.start.begin(), job.start.begin() + static_cast<std::ptrdiff_t>(floats));
  Floats out(floats);
  for (int step = 0; step < kSteps; ++step) {
    std::vector<const float*> starts;
    for (const Floats& gradient : job.gradients[step]) starts.push_back(gradient.data());
    reducer.begin_step(0.1, step + 1, in.data(), out.data(), starts);
    reducer.reduce({0, floats * sizeof(float)});
    reducer.finish_step();
    std::swap(in, out);
  }
  return in;
}

// The mean over `seats`, by its definition: of the left part, a power of two, and the rest.
float mean_of(const std::vector<Floats>& slots, const std::vector<SeatRange>& shares, std::size_t element,
              SeatRange seats) {
  const auto share = std::ranges::find(shares, seats);
  if (share != shares.end()) return slots[static_cast<std::size_t>(share - shares.begin())][element];
  std::size_t left = 1;
  while (2 * left < seats.count) left *= 2;
  const std::size_t right = seats.count - left;
  const double left_mean = mean_of(slots, shares, element, {seats.first, left});
  const double right_mean = mean_of(slots, shares, element, {seats.first + left, right});
  const auto weighted = [](double mean, std::size_t count) { return mean * static_cast<double>(count); };
  return static_cast<float>((weighted(left_mean, left) + weighted(right_mean, right)) /
                            static_cast<double>(seats.count));
}

float mean_of(const Job& job, std::size_t element) {
  const std::vector<Floats>& slots = job.gradients.back();
  return mean_of(slots, deal_seats(job.seats, slots.size()), element, {.first = 0, .count = job.seats});
}

void expect_mean_and_optimizer(const Job& job, const Floats& found) {
  const Floats optimized = run_without_averaged(job);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const float expected = i < optimized.size() ? optimized[i] : mean_of(job, i);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected))
        << job.layout.element_name(i) << ": " << job.describe();
  }
}

TEST(Averaging, GivesTheMeanOfTheSlotsAndLeavesTheOptimizersBits) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const auto& rule : kChoices<RuleKind>) {
    for (const ReduceKind reduce : {ReduceKind::sum, ReduceKind::mean}) {
      for (const double clip_norm : {0.0, 0.5}) {
        for (int round = 0; round < 4; ++round) {
          const Job job = random_job(
              random,
              {.name = rule.value, .weight_decay = 0.01, .reduce = reduce, .schedule = {}, .clip_norm = clip_norm});
          ASSERT_NO_FATAL_FAILURE(expect_mean_and_optimizer(job, run(job, random)));
        }
      }
    }
  }
}

TEST(Averaging, IsNeitherClippedNorPartOfTheNorm) {
  HostReducer reducer({kBlockFloats, 2}, {.name = RuleKind::sgd, .schedule = {}, .clip_norm = 5}, 1, SumTree());
  Floats gradient(kBlockFloats + 2);
  gradient[0] = 3;
  gradient[1] = 4;
  gradient[kBlockFloats] = 1e6F;
  const Floats in(gradient.size());
  Floats out(gradient.size());
  const float* const starts[] = {gradient.data()};
  reducer.begin_step(1.0, 1, in.data(), out.data(), starts);
  reducer.reduce({kBlockBytes, kBlockBytes + 8});
  reducer.reduce({0, kBlockBytes});
  reducer.finish_step();
  EXPECT_NEAR(out[0], -3.0F, 1e-5F);
  EXPECT_NEAR(out[1], -4.0F, 1e-5F);
  EXPECT_EQ(out[kBlockFloats], 1e6F);
}

// A buffer that no pass changes, such as a mask: any rounding would add up from step to step.
TEST(Averaging, KeepsEqualValuesToTheLastBit) {
  std::mt19937 random(1);
  Floats values = random_floats(random, 700);
  values[3] = -std::numeric_limits<float>::infinity();
  values[5] = std::numeric_limits<float>::denorm_min();
  values[7] = std::numeric_limits<float>::max();
  const std::size_t bytes = values.size() * sizeof(float);
  for (std::size_t trainers = 1; trainers <= 33; ++trainers) {
    const std::vector<const float*> starts(trainers, values.data());
    HostReducer reducer({0, values.size()}, {.schedule = {}}, 1, tree_of(trainers));
    Floats out(values.size());
    reducer.begin_step(1.0, 1, values.data(), out.data(), starts);
    reducer.reduce({0, bytes});
    reducer.finish_step();
    EXPECT_EQ(out, values) << trainers << " trainers";
    EXPECT_EQ(reducer.first_nonfinite(), std::nullopt);
  }
}

TEST(Averaging, TakesTheFirstTrainersValuesWhereTheOthersAreZeros) {
  std::mt19937 random(1);
  const Floats values = random_floats(random, 100);
  const Floats zeros(100);
  HostReducer reducer({0, 100}, {.schedule = {}}, 1, tree_of(3), BufferRule::first);
  Floats out(100);
  const float* const starts[] = {values.data(), zeros.data(), zeros.data()};
  reducer.begin_step(1.0, 1, values.data(), out.data(), starts);
  reducer.reduce({0, 400});
  EXPECT_EQ(out, values);
}

TEST(Averaging, ABufferMayHoldNothingElseOrNothing) {
  for (const double clip_norm : {0.0, 1.0}) {
    const Floats values = {1, 2, 3};
    Floats out(3);
    const float* const starts[] = {values.data(), values.data()};
    HostReducer averages({0, 3}, {.schedule = {}, .clip_norm = clip_norm}, 2, tree_of(2));
    averages.begin_step(1.0, 1, values.data(), out.data(), starts);
    averages.reduce({0, 12});
    averages.finish_step();
    EXPECT_EQ(out, values);
    EXPECT_EQ(averages.first_nonfinite(), std::nullopt);

    HostReducer none({}, {.schedule = {}, .clip_norm = clip_norm}, 2, tree_of(2));
    none.begin_step(1.0, 1, values.data(), out.data(), starts);
    none.finish_step();
    EXPECT_EQ(none.first_nonfinite(), std::nullopt);
  }
}

}  // namespace
}  // namespace runnel
