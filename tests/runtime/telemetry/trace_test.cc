// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "runtime/base/run_error.h"
#include "runtime/base/steady_clock.h"
#include "tests/runtime/allocation_count.h"

namespace runnel {
namespace {

using testing::HasSubstr;

/// Memory for `Events` events and a little more, which no recorder may touch.
template <std::size_t Events>
struct Memory {
  static constexpr std::byte kUntouched{0xA5};

  Memory() { bytes.fill(kUntouched); }
  std::span<std::byte> room() { return std::span(bytes).first(Trace::bytes_for(Events)); }
  std::span<std::byte> behind() { return std::span(bytes).subspan(Trace::bytes_for(Events)); }

  alignas(8) std::array<std::byte, Trace::bytes_for(Events + 1)> bytes;
};

/// Three good events, for tests that damage them.
struct Written : Memory<3> {
  Written() {
    Trace trace(room());
    for (std::int64_t i = 0; i < 3; ++i) trace.add(10 * i, 10 * i + 5, {.what = TraceWhat::put});
    trace.close(/*first_trainer_ns=*/-7);
  }
};

std::string refusal(std::span<const std::byte> memory) {
  try {
    read_trace(memory, "trainer 1 rank=2");
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    EXPECT_THAT(error.what(), HasSubstr("trainer 1 rank=2"));
    return error.what();
  }
  return "believed";
}

TEST(Trace, OffRecordsNothing) {
  Trace trace;
  {
    const TraceSpan span(trace, {.what = TraceWhat::forward});
    trace.instant({.what = TraceWhat::bell});
    trace.add(1, 2, {.what = TraceWhat::put});
  }
  EXPECT_FALSE(trace.on());
  EXPECT_TRUE(trace.close().empty());
}

TEST(Trace, RecordsSpansInstantsAndNotedTimes) {
  Memory<8> memory;
  Trace trace(memory.room());
  const TraceLabel outer{.what = TraceWhat::backward, .step = std::uint64_t{1} << 35};
  const TraceLabel ready{.what = TraceWhat::bucket_ready, .bucket = (1U << 20) - 1, .step = 7};
  const TraceLabel put{.what = TraceWhat::put, .peer = 1030, .bucket = 4, .step = 7};
  const std::int64_t before = steady_ns();
  {
    const TraceSpan span(trace, outer);
    trace.instant(ready);
  }
  const std::int64_t after = steady_ns();
  trace.add(after + 10, after + 25, put);

  const RecordedTrace recorded = read_trace(trace.close(), "this");
  ASSERT_EQ(recorded.events.size(), 3);
  EXPECT_EQ(recorded.dropped, 0);
  const TraceEvent& span = recorded.events[0];
  const TraceEvent& instant = recorded.events[1];
  EXPECT_EQ(span.label, outer);
  EXPECT_EQ(instant.label, ready);
  EXPECT_EQ(recorded.events[2], (TraceEvent{after + 10, after + 25, put}));
  EXPECT_LE(before, span.begin_ns);
  EXPECT_LE(span.begin_ns, instant.begin_ns);
  EXPECT_EQ(instant.begin_ns, instant.end_ns);
  EXPECT_LE(instant.end_ns, span.end_ns);
  EXPECT_LE(span.end_ns, after);
}

TEST(Trace, CountsWhatFindsNoRoom) {
  Memory<3> memory;
  Trace trace(memory.room());
  for (std::int64_t i = 0; i < 5; ++i) trace.add(i, i, {.what = TraceWhat::bell});
  trace.close();
  const RecordedTrace recorded = read_trace(memory.room(), "this");
  ASSERT_EQ(recorded.events.size(), 3);
  EXPECT_EQ(recorded.events[2].begin_ns, 2);
  EXPECT_EQ(recorded.dropped, 2);
  EXPECT_THAT(memory.behind(), testing::Each(Memory<3>::kUntouched));
}

TEST(Trace, IsReadOnlyWhenItIsClosed) {
  Memory<3> memory;
  Trace trace(memory.room());
  trace.add(1, 2, {.what = TraceWhat::put});
  EXPECT_THAT(refusal(memory.room()), HasSubstr("in memory for 3"));
  trace.close();
  trace.add(3, 4, {.what = TraceWhat::put});
  EXPECT_FALSE(trace.on());
  EXPECT_EQ(read_trace(memory.room(), "this").events.size(), 1);
}

TEST(Trace, RecordsWithoutAllocating) {
  if (!test::kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  Memory<64> memory;
  Trace trace(memory.room());
  const std::uint64_t before = test::allocation_count();
  for (std::uint64_t step = 0; step < 100; ++step) {
    const TraceSpan span(trace, {.what = TraceWhat::wait, .step = step});
    trace.instant({.what = TraceWhat::bell, .step = step});
  }
  EXPECT_EQ(test::allocation_count(), before);
  EXPECT_EQ(read_trace(trace.close(), "this").dropped, 136);
}

TEST(Trace, IsReadInTheOrderOfTheBeginsWithTheOutermostFirst) {
  Memory<4> memory;
  Trace trace(memory.room());
  trace.add(5, 6, {.step = 2});
  trace.add(5, 9, {.step = 1});
  trace.add(7, 8, {.step = 3});
  trace.add(0, 3, {.step = 0});
  const RecordedTrace recorded = read_trace(trace.close(), "this");
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(recorded.events[i].label.step, i);
}

TEST(Trace, OfMemoryThatHoldsNoneIsRefused) {
  Written written;
  EXPECT_EQ(read_trace(written.bytes, "this").events.size(), 3);
  EXPECT_EQ(read_trace(written.bytes, "this").first_trainer_ns, -7);
  EXPECT_THAT(refusal({}), HasSubstr("no trace header"));
  EXPECT_THAT(refusal(written.room().first(sizeof(TraceHeader) - 1)), HasSubstr("no trace header"));
  EXPECT_THAT(refusal(written.room().first(Trace::bytes_for(3) - 1)), HasSubstr("3 events in memory for 2"));
  EXPECT_THAT(refusal(std::array<std::byte, 256>{}), HasSubstr("no trace header"));
}

TEST(Trace, WithADamagedFieldIsRefused) {
  const auto damaged = [](std::size_t offset, auto value) {
    Written written;
    std::memcpy(written.bytes.data() + offset, &value, sizeof value);
    return refusal(written.room());
  };
  constexpr std::size_t kSecond = Trace::bytes_for(1);
  EXPECT_THAT(damaged(offsetof(TraceHeader, magic), 1U), HasSubstr("no trace header"));
  EXPECT_THAT(damaged(offsetof(TraceHeader, version), 2U), HasSubstr("version 2, expected 1"));
  EXPECT_THAT(damaged(offsetof(TraceHeader, recorded), std::uint64_t{4}), HasSubstr("4 events in memory for 3"));
  EXPECT_THAT(damaged(offsetof(TraceHeader, recorded), ~std::uint64_t{0}), HasSubstr("in memory for 3"));
  EXPECT_THAT(damaged(offsetof(TraceHeader, first_trainer_ns), (std::int64_t{1} << 60) + 1), HasSubstr("clocks"));
  EXPECT_THAT(damaged(offsetof(TraceHeader, first_trainer_ns), -(std::int64_t{1} << 60) - 1), HasSubstr("clocks"));
  EXPECT_THAT(damaged(kSecond + offsetof(TraceEvent, begin_ns), std::int64_t{-1}), HasSubstr("number 1"));
  EXPECT_THAT(damaged(kSecond + offsetof(TraceEvent, begin_ns), std::int64_t{16}), HasSubstr("number 1"));
  EXPECT_THAT(damaged(kSecond + offsetof(TraceEvent, end_ns), std::numeric_limits<std::int64_t>::max()),
              HasSubstr("number 1"));
  EXPECT_THAT(damaged(kSecond + offsetof(TraceEvent, label) + offsetof(TraceLabel, what), std::uint8_t{kTraceWhats}),
              HasSubstr("number 1"));
}

TEST(Trace, OfRandomBytesIsRefusedOrReadInBounds) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    Written written;
    for (int i = 0; i < 2; ++i) written.bytes[random() % Trace::bytes_for(3)] = std::byte(random());
    try {
      for (const TraceEvent& event : read_trace(written.room(), "this").events) {
        ASSERT_LE(0, event.begin_ns);
        ASSERT_LE(event.begin_ns, event.end_ns);
        ASSERT_LT(static_cast<int>(event.label.what), kTraceWhats);
      }
    } catch (const RunError& error) {
      ASSERT_EQ(error.status(), ExitStatus::protocol_mismatch);
    }
  }
}

}  // namespace
}  // namespace runnel
