// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_word.h"

#include <gtest/gtest.h>

namespace runnel {
namespace {

using State = HeartbeatWord::State;

std::uint64_t word(State state, std::uint64_t counter, Stop stop = {}) {
  return HeartbeatWord{.state = state, .stop = stop, .counter = counter}.encode();
}

TEST(HeartbeatWord, RoundTrips) {
  const HeartbeatWord sent{.state = State::stopping,
                           .stop = {.cause = StopCause::no_heartbeat, .rank = 1023, .reported = false},
                           .counter = (std::uint64_t{1} << 36) - 1};
  const HeartbeatWord heard = HeartbeatWord::decode(sent.encode()).value();
  EXPECT_EQ(heard.state, sent.state);
  EXPECT_EQ(heard.stop.cause, sent.stop.cause);
  EXPECT_EQ(heard.stop.rank, sent.stop.rank);
  EXPECT_EQ(heard.counter, sent.counter);
}

// A rank that is none may be read as another, which the receiver refuses unless the job has it; but it must not become
// a cause or a state.
TEST(HeartbeatWord, AFieldThatIsTooLargeChangesNoOther) {
  for (const int rank : {-1, 1 << 16, 1 << 24}) {
    const auto received = HeartbeatWord::decode(word(State::leaving, 7, {.cause = StopCause::own_error, .rank = rank}));
    ASSERT_TRUE(received.has_value()) << rank;
    EXPECT_EQ(received->state, State::leaving) << rank;
    EXPECT_EQ(received->stop.cause, StopCause::own_error) << rank;
    EXPECT_EQ(received->counter, 7U) << rank;
  }
  const auto received = HeartbeatWord::decode(word(State::stopping, std::uint64_t{1} << 40, {.rank = 3}));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->stop.rank, 3);
}

// A bell only rises: a farewell must be above every beat before it, or it would never arrive.
TEST(HeartbeatWord, GrowsWithTheStateAndThenWithTheCounter) {
  EXPECT_LT(word(State::alive, 1), word(State::alive, 2));
  EXPECT_LT(word(State::alive, (std::uint64_t{1} << 36) - 1), word(State::leaving, 0));
  EXPECT_LT(word(State::leaving, 9, {.cause = StopCause::own_error, .rank = 7}),
            word(State::stopping, 9, {.cause = StopCause::process_ended, .rank = 0}));
  EXPECT_LT(HeartbeatWord({.checkpoints = 1, .stop = {}, .counter = 99}).encode(),
            HeartbeatWord({.checkpoints = 2, .stop = {}, .counter = 0}).encode());
  EXPECT_LT(HeartbeatWord({.checkpoints = 65535, .stop = {}, .counter = 99}).encode(),
            word(State::asked_to_end, 0, {.cause = StopCause::interrupted, .rank = 0}));
  EXPECT_LT(word(State::asked_to_end, 9, {.cause = StopCause::announced, .rank = 9}), word(State::leaving, 0));
}

TEST(HeartbeatWord, TellsHowOftenACheckpointWasAskedFor) {
  const HeartbeatWord sent{.checkpoints = 65535, .stop = {}, .counter = 1};
  const HeartbeatWord received = HeartbeatWord::decode(sent.encode()).value();
  EXPECT_EQ(received.state, State::alive);
  EXPECT_EQ(received.checkpoints, sent.checkpoints);
  EXPECT_EQ(received.stop.rank, 0) << "it was taken for a rank";
}

// A cause indexes texts and decides how a process ends, so one that is none must not get in.
TEST(HeartbeatWord, RefusesWhatIsNoWord) {
  const std::uint64_t last = word(State::stopping, 1, {.cause = StopCause::announced, .rank = 3});
  EXPECT_TRUE(HeartbeatWord::decode(last).has_value());
  EXPECT_FALSE(HeartbeatWord::decode(last + (std::uint64_t{1} << 52)).has_value()) << "an unknown cause";
  EXPECT_FALSE(HeartbeatWord::decode(last + (std::uint64_t{1} << 60)).has_value()) << "an unknown state";
  EXPECT_FALSE(HeartbeatWord::decode(~std::uint64_t{0}).has_value());
}

}  // namespace
}  // namespace runnel
