// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/slot_protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace runnel {
namespace {

TEST(BellWord, RoundTripsAndGrowsWithNumberAndBuckets) {
  constexpr std::uint64_t kLastNumber = (std::uint64_t{1} << BellWord::kNumberBits) - 1;
  const BellWord word{.number = kLastNumber, .front = kMaxBuckets, .back = kMaxBuckets - 1};
  EXPECT_EQ(BellWord::decode(word.encode()), word);
  const auto encoded = [](std::uint64_t number, std::uint32_t front, std::uint32_t back) {
    return BellWord{.number = number, .front = front, .back = back}.encode();
  };
  EXPECT_LT(encoded(7, 0, 3), encoded(7, 0, 4));
  EXPECT_LT(encoded(7, 0, kMaxBuckets), encoded(7, 1, 0));
  EXPECT_LT(encoded(7, kMaxBuckets, kMaxBuckets), encoded(8, 0, 0));
  EXPECT_LT(encoded(kLastNumber - 1, kMaxBuckets, kMaxBuckets), kEndOfRun.encode());
}

TEST(BellWord, HasAPartFromTheFrontAndAPartFromTheBack) {
  const BellWord word{.number = 0, .front = 1, .back = 2};
  for (const std::uint32_t bucket : {0U, 3U, 4U}) EXPECT_TRUE(word.has(bucket, 5)) << bucket;
  for (const std::uint32_t bucket : {1U, 2U}) EXPECT_FALSE(word.has(bucket, 5)) << bucket;
  EXPECT_FALSE(word.has_all(5));
  EXPECT_TRUE(word.has_all(3));
}

TEST(GeneratorProtocol, RefusesWhatNoTrainerCanRing) {
  GeneratorProtocol protocol(2, 4);
  const auto word = [](std::uint64_t step, std::uint32_t front, std::uint32_t back) {
    return BellWord{.number = step, .front = front, .back = back}.encode();
  };
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 5)), GeneratorProtocol::Ring::violation) << "more buckets than there are";
  EXPECT_EQ(protocol.on_bell(0, word(1, 0, 1)), GeneratorProtocol::Ring::violation) << "a step ahead";
  EXPECT_EQ(protocol.on_bell(0, word(0, 1, 1)), GeneratorProtocol::Ring::violation) << "a bucket from the front";
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 3)), GeneratorProtocol::Ring::news);
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 3)), GeneratorProtocol::Ring::stale) << "doubled";
  EXPECT_EQ(protocol.on_bell(0, word(0, 0, 2)), GeneratorProtocol::Ring::stale) << "late";
  EXPECT_FALSE(protocol.next_bucket().has_value()) << "trainer 1 has handed over nothing";
  EXPECT_EQ(protocol.first_awaited(), 0);
}

TEST(GeneratorProtocol, ReducesFromTheBackAsBucketsArriveAndFromTheFrontOnceAllAreThere) {
  GeneratorProtocol protocol(1, 4);
  const auto hand_over = [&](std::uint32_t count) {
    protocol.on_bell(0, BellWord{.number = 0, .back = count}.encode());
  };
  const auto reduce = [&] {
    const auto bucket = protocol.next_bucket();
    protocol.reduced();
    return bucket.value();
  };
  hand_over(1);
  EXPECT_EQ(reduce(), 3U);
  EXPECT_FALSE(protocol.next_bucket().has_value());
  EXPECT_EQ(BellWord::decode(protocol.version_word()), (BellWord{.number = 1, .front = 0, .back = 1}));
  hand_over(4);
  EXPECT_EQ(reduce(), 0U);
  EXPECT_EQ(reduce(), 1U);
  EXPECT_FALSE(protocol.step_complete());
  EXPECT_EQ(reduce(), 2U);
  ASSERT_TRUE(protocol.step_complete());
  protocol.end_step();
  EXPECT_EQ(BellWord::decode(protocol.version_word()), (BellWord{.number = 1, .front = 4, .back = 0}));
}

// A seeded simulation of one generator and N trainers over plain integers, one integer per bucket. Actors take turns at
// random; bells are delivered late, doubled and out of order (the last word rung always arrives). Trainers make
// different numbers of steps and end the run: one that is leaving hands over zeros, and its record of the step says so
// before its first bell. Before it hands anything over, a trainer reads what the generator keeps besides the
// parameters, which must be of its version. Every check that fails is counted, so that the planted bugs below can show
// that the checks bite.
enum class Planted {
  nothing,
  ring_before_write,
  publish_before_reduced,
  one_parameter_buffer,
  read_after_bells,    // of what the generator keeps
  record_after_bells,  // of a trainer that is leaving
  over_when_one_leaves,
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Planted planted)
      : random_(seed),
        planted_(planted),
        buckets_(static_cast<std::uint32_t>(1 + pick(6))),
        first_(pick(2) * pick(100)),
        trainers_(1 + pick(5), Trainer(buckets_, first_)),
        generator_(static_cast<int>(trainers_.size()), buckets_, first_),
        begun_(first_) {
    for (auto& trainer : trainers_) trainer.steps = first_ + 8 + pick(5);
    for (auto& buffer : parameters_) buffer.assign(buckets_, 0);
    states_.assign(buckets_, first_);
    for (auto& trainer : trainers_) trainer.inbox = {generator_.version_word()};
  }

  /// Runs until the trainers end it; gives the number of failed checks, or -1 when nothing moves any more.
  int run() {
    const std::uint64_t most_turns = 2000 * most_steps() * buckets_ * trainers_.size();
    for (std::uint64_t turn = 0; !over_ && failures_ == 0; ++turn) {
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
    Trainer(std::uint32_t buckets, std::uint64_t first) : protocol(buckets, first) {
      for (auto& slot : slots) slot.assign(buckets, 0);
    }
    TrainerProtocol protocol;
    std::uint64_t steps = 0;                      // before it leaves
    std::array<std::uint64_t, kSlots> records{};  // at the generator: 1 + the step in which it is leaving; 0: none
    std::array<std::vector<std::int64_t>, kSlots> slots;
    std::uint32_t handed_over = 0;
    std::vector<std::uint64_t> inbox;   // words on their way from the generator
    std::vector<std::uint64_t> outbox;  // words on their way to the generator
  };

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  std::uint64_t most_steps() const { return std::ranges::max_element(trainers_, {}, &Trainer::steps)->steps; }

  std::int64_t gradient(std::size_t trainer, std::uint64_t step, std::uint32_t bucket) const {
    if (step >= trainers_[trainer].steps) return 0;
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
    // From when its bell is heard until its own bucket is handed over, a trainer may read a bucket of its version. It
    // knows by its own step what must be there.
    const std::uint64_t step = trainer.protocol.step();
    for (std::uint32_t bucket = 0; bucket < buckets_; ++bucket) {
      if (!trainer.protocol.parameters_ready(bucket)) continue;
      check(parameters_[buffer(step)][bucket] == expected(step, bucket));
    }
    if (!trainer.protocol.all_parameters_ready()) return;
    if (trainer.handed_over == 0 || planted_ == Planted::read_after_bells) check_states(step);
    const std::uint32_t bucket = buckets_ - 1 - trainer.handed_over;
    if (planted_ != Planted::record_after_bells) put_record(trainer);
    auto& slot = trainer.slots[static_cast<std::size_t>(slot_of_step(step))];
    if (planted_ == Planted::ring_before_write) {
      ring(trainer);
      late_writes_.push_back({&slot[bucket], gradient(index, step, bucket)});
    } else {
      slot[bucket] = gradient(index, step, bucket);
      ring(trainer);
    }
  }

  /// What the generator keeps is of version `version`.
  void check_states(std::uint64_t version) {
    check(std::ranges::all_of(states_, [version](std::uint64_t state) { return state == version; }));
  }

  static void put_record(Trainer& trainer) {
    const std::uint64_t step = trainer.protocol.step();
    if (step >= trainer.steps) trainer.records[static_cast<std::size_t>(slot_of_step(step))] = 1 + step;
  }

  void ring(Trainer& trainer) {
    trainer.outbox.push_back(BellWord{.number = trainer.protocol.step(), .back = ++trainer.handed_over}.encode());
    if (trainer.handed_over < buckets_) return;
    if (pick(2) == 0) put_record(trainer);
    trainer.protocol.end_step();
    trainer.handed_over = 0;
  }

  void generator_turn() {
    for (std::size_t i = 0; i < trainers_.size(); ++i) {
      if (trainers_[i].outbox.empty() || pick(2) == 0) continue;
      check(generator_.on_bell(static_cast<int>(i), deliver(trainers_[i].outbox)) !=
            GeneratorProtocol::Ring::violation);
    }
    if (const auto bucket = generator_.next_bucket()) {
      if (begun_ == generator_.step()) over_ = all_leave();
      if (over_) return check(generator_.version() == most_steps());
      begun_ = generator_.step() + 1;
      reduce(*bucket);
    }
    for (auto& [where, value] : late_writes_) *where = value;
    late_writes_.clear();
    if (!generator_.step_complete()) return;
    generator_.end_step();
    check(generator_.version() <= most_steps());
    ring_trainers();
  }

  /// Asked before the first bucket of a step is reduced.
  bool all_leave() const {
    const auto leaves = [this](const Trainer& trainer) {
      return trainer.records[static_cast<std::size_t>(slot_of_step(generator_.step()))] == 1 + generator_.step();
    };
    if (planted_ == Planted::over_when_one_leaves) return std::ranges::any_of(trainers_, leaves);
    return std::ranges::all_of(trainers_, leaves);
  }

  void reduce(std::uint32_t bucket) {
    const std::uint64_t step = generator_.step();
    if (planted_ == Planted::publish_before_reduced) {
      GeneratorProtocol ahead = generator_;
      ahead.reduced();
      for (auto& trainer : trainers_) trainer.inbox.push_back(ahead.version_word());
      if (pick(2) == 0) return;
    }
    std::int64_t sum = 0;
    for (auto& trainer : trainers_) sum += trainer.slots[static_cast<std::size_t>(slot_of_step(step))][bucket];
    parameters_[buffer(step + 1)][bucket] = parameters_[buffer(step)][bucket] + sum;
    states_[bucket] = step + 1;
    generator_.reduced();
    check(parameters_[buffer(step + 1)][bucket] == expected(step + 1, bucket));
    if (!generator_.step_complete() && pick(2) == 0) ring_trainers();
  }

  void ring_trainers() {
    for (auto& trainer : trainers_) trainer.inbox.push_back(generator_.version_word());
  }

  /// What bucket `bucket` of version `version` must be.
  std::int64_t expected(std::uint64_t version, std::uint32_t bucket) const {
    std::int64_t value = 0;
    for (std::uint64_t step = first_; step < version; ++step) {
      for (std::size_t i = 0; i < trainers_.size(); ++i) value += gradient(i, step, bucket);
    }
    return value;
  }

  void check(bool holds) { failures_ += holds ? 0 : 1; }
  struct LateWrite {
    std::int64_t* where;
    std::int64_t value;
  };

  std::mt19937_64 random_;
  Planted planted_;
  std::uint32_t buckets_;
  std::uint64_t first_;  // version that the run begins with
  std::vector<Trainer> trainers_;
  GeneratorProtocol generator_;
  std::array<std::vector<std::int64_t>, kParameterBuffers> parameters_;
  std::vector<std::uint64_t> states_;  // of each bucket, the version that it belongs to
  std::vector<LateWrite> late_writes_;
  std::uint64_t begun_;  // steps of which a bucket was looked at
  bool over_ = false;
  int failures_ = 0;
};

constexpr std::uint64_t kSeeds = 2000;

TEST(SlotProtocolSimulation, EveryOrderOfEventsGivesTheSumOfAllTrainers) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ASSERT_EQ(Simulation(seed, Planted::nothing).run(), 0) << "seed " << seed;
  }
}

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, IsCaught) {
  int caught = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) caught += Simulation(seed, GetParam()).run() != 0 ? 1 : 0;
  EXPECT_GT(caught, 0) << "the simulation cannot see this bug: its checks are worth nothing";
}

INSTANTIATE_TEST_SUITE_P(SlotProtocol, PlantedBug,
                         testing::Values(Planted::ring_before_write, Planted::publish_before_reduced,
                                         Planted::one_parameter_buffer, Planted::read_after_bells,
                                         Planted::record_after_bells, Planted::over_when_one_leaves));

}  // namespace
}  // namespace runnel
