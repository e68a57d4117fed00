// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/slot_protocol.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace runnel {
namespace {

TEST(BellWord, RoundTripsAndGrowsWithEpochNumberAndBuckets) {
  const BellWord word{.epoch = 255, .number = (std::uint64_t{1} << 36) - 1, .buckets = kMostBuckets};
  EXPECT_EQ(BellWord::decode(word.encode()), word);
  const auto encoded = [](std::uint32_t epoch, std::uint64_t number, std::uint32_t buckets) {
    return BellWord{.epoch = epoch, .number = number, .buckets = buckets}.encode();
  };
  EXPECT_LT(encoded(0, 7, 3), encoded(0, 7, 4));
  EXPECT_LT(encoded(0, 7, kMostBuckets), encoded(0, 8, 0));
  EXPECT_LT(encoded(0, (std::uint64_t{1} << 36) - 1, kMostBuckets), encoded(1, 0, 0));
}

TEST(GeneratorProtocol, RefusesWhatNoTrainerCanRing) {
  GeneratorProtocol protocol(2, 4);
  const auto word = [](std::uint32_t epoch, std::uint64_t step, std::uint32_t buckets) {
    return BellWord{.epoch = epoch, .number = step, .buckets = buckets}.encode();
  };
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 5)), GeneratorProtocol::Ring::violation) << "more buckets than there are";
  EXPECT_EQ(protocol.on_bell(0, word(0, 1, 1)), GeneratorProtocol::Ring::violation) << "a step ahead";
  EXPECT_EQ(protocol.on_bell(0, word(1, 0, 1)), GeneratorProtocol::Ring::violation) << "an epoch nobody gave";
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 3)), GeneratorProtocol::Ring::news);
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 3)), GeneratorProtocol::Ring::stale) << "doubled";
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 2)), GeneratorProtocol::Ring::stale) << "late";
  EXPECT_FALSE(protocol.next_bucket().has_value()) << "trainer 1 has handed over nothing";
  EXPECT_EQ(protocol.first_awaited(), 0);
}

// A seeded simulation of one generator and N trainers over plain integers, one integer per bucket. Actors take turns at
// random; bells are delivered late, doubled and out of order (the last word rung always arrives). Every check that
// fails is counted, so that the planted bugs below can show that the checks bite.
enum class Planted { nothing, ring_before_write, publish_before_last_bucket, one_parameter_buffer };

class Simulation {
 public:
  Simulation(std::uint64_t seed, Planted planted)
      : random_(seed),
        planted_(planted),
        buckets_(static_cast<std::uint32_t>(1 + pick(6))),
        trainers_(1 + pick(5), Trainer(buckets_)),
        generator_(static_cast<int>(trainers_.size()), buckets_) {
    for (auto& buffer : parameters_) buffer.assign(buckets_, 0);
    expected_.assign(buckets_, 0);
    for (auto& trainer : trainers_) trainer.inbox = {generator_.version_word()};
  }

  /// Runs `steps` steps; gives the number of failed checks, or -1 when nothing moves any more.
  int run(std::uint64_t steps) {
    const std::uint64_t most_turns = 2000 * steps * buckets_ * trainers_.size();
    for (std::uint64_t turn = 0; generator_.version() < steps && failures_ == 0; ++turn) {
      if (turn > most_turns) return -1;
      const std::size_t actor = pick(trainers_.size() + 1);
      if (actor == trainers_.size()) {
        generator_turn();
      } else {
        trainer_turn(actor);
      }
    }
    return failures_;
  }

 private:
  struct Trainer {
    explicit Trainer(std::uint32_t buckets) : protocol(buckets) {
      for (auto& slot : slots) slot.assign(buckets, 0);
    }
    TrainerProtocol protocol;
    std::array<std::vector<std::int64_t>, kSlots> slots;
    std::uint32_t handed_over = 0;
    std::vector<std::uint64_t> inbox;   // words on their way from the generator
    std::vector<std::uint64_t> outbox;  // words on their way to the generator
  };

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  static std::int64_t gradient(std::size_t trainer, std::uint64_t step, std::uint32_t bucket) {
    return static_cast<std::int64_t>((trainer + 1) * 1'000'003 + step * 7919 + bucket * 31);
  }

  std::size_t buffer(std::uint64_t version) const {
    return planted_ == Planted::one_parameter_buffer ? 0 : static_cast<std::size_t>(buffer_of_version(version));
  }

  /// Takes any word on the way; sometimes leaves a copy to arrive again later.
  std::uint64_t deliver(std::vector<std::uint64_t>& words) {
    const std::size_t at = pick(words.size());
    const std::uint64_t word = words[at];
    if (pick(4) != 0) words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
    return word;
  }

  void trainer_turn(std::size_t index) {
    Trainer& trainer = trainers_[index];
    if (!trainer.inbox.empty()) trainer.protocol.on_bell(deliver(trainer.inbox));
    if (!trainer.protocol.parameters_ready()) return;
    // Until its last bucket is handed over, a trainer may read any parameter of its version.
    const std::uint64_t step = trainer.protocol.step();
    if (step == generator_.version()) {
      check(parameters_[buffer(step)] == expected_);
    }
    const std::uint32_t position = trainer.handed_over;
    const std::uint32_t bucket = handed_over_as(position, buckets_);
    auto& slot = trainer.slots[static_cast<std::size_t>(trainer.protocol.slot())];
    if (planted_ == Planted::ring_before_write) {
      ring(trainer, position);
      late_writes_.push_back({&slot[bucket], gradient(index, step, bucket)});
    } else {
      slot[bucket] = gradient(index, step, bucket);
      ring(trainer, position);
    }
  }

  void ring(Trainer& trainer, std::uint32_t position) {
    trainer.outbox.push_back(trainer.protocol.hand_over(position + 1));
    trainer.handed_over = (position + 1) % buckets_;
  }

  void generator_turn() {
    for (std::size_t i = 0; i < trainers_.size(); ++i) {
      if (trainers_[i].outbox.empty() || pick(2) == 0) continue;
      check(generator_.on_bell(static_cast<int>(i), deliver(trainers_[i].outbox)) !=
            GeneratorProtocol::Ring::violation);
    }
    if (const auto bucket = generator_.next_bucket()) reduce(*bucket);
    for (auto& [where, value] : late_writes_) *where = value;
    late_writes_.clear();
    const bool last_bucket_missing = planted_ == Planted::publish_before_last_bucket && buckets_ > 1;
    if (last_bucket_missing && !generator_.step_complete() && generator_.next_bucket() == 0U) generator_.reduced();
    if (generator_.step_complete()) publish();
  }

  void reduce(std::uint32_t bucket) {
    const std::uint64_t step = generator_.step();
    std::int64_t sum = 0;
    for (auto& trainer : trainers_) sum += trainer.slots[static_cast<std::size_t>(slot_of_step(step))][bucket];
    parameters_[buffer(step + 1)][bucket] = parameters_[buffer(step)][bucket] + sum;
    generator_.reduced();
  }

  void publish() {
    const std::uint64_t step = generator_.step();
    for (std::uint32_t bucket = 0; bucket < buckets_; ++bucket) {
      for (std::size_t i = 0; i < trainers_.size(); ++i) expected_[bucket] += gradient(i, step, bucket);
    }
    const std::uint64_t word = generator_.publish();
    check(parameters_[buffer(step + 1)] == expected_);
    for (auto& trainer : trainers_) trainer.inbox.push_back(word);
  }

  void check(bool holds) { failures_ += holds ? 0 : 1; }

  struct LateWrite {
    std::int64_t* where;
    std::int64_t value;
  };

  std::mt19937_64 random_;
  Planted planted_;
  std::uint32_t buckets_;
  std::vector<Trainer> trainers_;
  GeneratorProtocol generator_;
  std::array<std::vector<std::int64_t>, kParameterBuffers> parameters_;
  std::vector<std::int64_t> expected_;  // the parameters of the current version
  std::vector<LateWrite> late_writes_;
  int failures_ = 0;
};

constexpr std::uint64_t kSeeds = 2000;

TEST(SlotProtocolSimulation, EveryOrderOfEventsGivesTheSumOfAllTrainers) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ASSERT_EQ(Simulation(seed, Planted::nothing).run(12), 0) << "seed " << seed;
  }
}

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, IsCaught) {
  int caught = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) caught += Simulation(seed, GetParam()).run(12) != 0 ? 1 : 0;
  EXPECT_GT(caught, 0) << "the simulation cannot see this bug: its checks are worth nothing";
}

INSTANTIATE_TEST_SUITE_P(SlotProtocol, PlantedBug,
                         testing::Values(Planted::ring_before_write, Planted::publish_before_last_bucket,
                                         Planted::one_parameter_buffer));

}  // namespace
}  // namespace runnel
