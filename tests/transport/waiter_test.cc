// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/waiter.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include "tests/support/peer_process.h"
#include "transport/path.h"

namespace runnel::test {
namespace {

using std::chrono::milliseconds;

/// How often this thread has slept: what it yields or loses of the core does not count.
long thread_sleeps() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

class WaiterTest : public testing::TestWithParam<ParkOn> {
 protected:
  /// What a wait polls, as a queue would.
  auto poll_until(const std::atomic<bool>& flag) {
    return [this, &flag] {
      worker_.progress();
      return flag.load();
    };
  }

  alignas(kLineBytes) std::array<std::byte, kLineBytes> line_{};
  Context context_{context_options_for(Path::emulated)};
  Worker worker_{context_};
  ParkWord park_word_{line_, 0};
  Waiter waiter_{worker_, park_word_, GetParam()};
  std::atomic<bool> flag_ = false;
};

TEST_P(WaiterTest, EndsAtItsDeadlineAndSleepsUntilThen) {
  const long sleeps_before = thread_sleeps();
  const Deadline deadline = Deadline::after(milliseconds(300));
  long polls = 0;
  const Status status = waiter_.wait([&] { return ++polls, poll_until(flag_)(); }, deadline);
  EXPECT_EQ(status.code(), StatusCode::deadline_exceeded);
  EXPECT_TRUE(deadline.expired());
  // It polls twice around each sleep, and 208 times before the first and after each event of the worker. A wait that
  // spins polls tens of thousands of times.
  const long sleeps = thread_sleeps() - sleeps_before;
  EXPECT_GT(sleeps, 0);
  EXPECT_LT(polls, 2000 + 4 * sleeps) << "a wait spins instead of sleeping";
}

// With parks of 1 ms for ever it would poll 1400 times: 208 times before it parks, and around each park.
TEST_P(WaiterTest, ParksLongerTheLongerItWaits) {
  int polls = 0;
  const auto count = [&] {
    ++polls;
    worker_.progress();
    return false;
  };
  EXPECT_EQ(waiter_.wait(count, Deadline::after(milliseconds(600))).code(), StatusCode::deadline_exceeded);
  EXPECT_LT(polls, 900);
}

TEST_P(WaiterTest, ReturnsAtOnceWhenReady) {
  flag_ = true;
  EXPECT_TRUE(waiter_.wait(poll_until(flag_), Deadline::after(milliseconds(-1))).ok()) << "ready wins over a deadline";
}

TEST_P(WaiterTest, SeesWhatAnotherThreadDid) {
  std::thread other([this] {
    std::this_thread::sleep_for(milliseconds(30));
    flag_ = true;
    park_word_.wake();
  });
  EXPECT_TRUE(waiter_.wait(poll_until(flag_), Deadline::after(std::chrono::seconds(10))).ok());
  other.join();
}

TEST_P(WaiterTest, AnInterruptEndsThisAndEveryLaterWait) {
  std::thread other([this] {
    std::this_thread::sleep_for(milliseconds(30));
    waiter_.interrupt();
  });
  const Deadline deadline = test_deadline();
  EXPECT_EQ(waiter_.wait(poll_until(flag_), deadline).code(), StatusCode::interrupted);
  EXPECT_FALSE(deadline.expired()) << "the interrupt was noticed at the deadline only";
  other.join();
  flag_ = true;
  EXPECT_EQ(waiter_.wait(poll_until(flag_), Deadline::after(milliseconds(1))).code(), StatusCode::interrupted);
}

Waiter* interrupted_by_signal = nullptr;

TEST_P(WaiterTest, ASignalHandlerMayInterrupt) {
  interrupted_by_signal = &waiter_;
  const auto before = std::signal(SIGUSR1, [](int) { interrupted_by_signal->interrupt(); });
  std::thread other([thread = pthread_self()] {
    std::this_thread::sleep_for(milliseconds(30));
    pthread_kill(thread, SIGUSR1);
  });
  EXPECT_EQ(waiter_.wait(poll_until(flag_), test_deadline()).code(), StatusCode::interrupted);
  other.join();
  std::signal(SIGUSR1, before);
}

std::string park_on_name(const testing::TestParamInfo<ParkOn>& info) {
  switch (info.param) {
    case ParkOn::park_word:
      return "park_word";
    case ParkOn::capped_events:
      return "capped_events";
    case ParkOn::events:
      return "events";
  }
  return "unknown";
}

INSTANTIATE_TEST_SUITE_P(ParkOn, WaiterTest, testing::Values(ParkOn::park_word, ParkOn::capped_events, ParkOn::events),
                         park_on_name);

// Two threads hand a counter to each other, and only a wake ends a sleep: where one gets lost, both sleep until the
// deadline.
TEST(ParkWordTest, LosesNoWakeUp) {
  constexpr std::uint64_t kRounds = 20000;
  const Deadline deadline = Deadline::after(std::chrono::seconds(50));
  alignas(kLineBytes) std::array<std::byte, 2 * kLineBytes> lines{};
  std::atomic<std::uint64_t> counter = 0;
  const auto play = [&](std::uint64_t parity) {
    ParkWord mine(lines, parity * kLineBytes);
    ParkWord theirs(lines, (1 - parity) * kLineBytes);
    for (std::uint64_t round = parity; round < kRounds; round += 2) {
      while (counter.load(std::memory_order_acquire) != round) {
        const auto ticket = mine.announce();
        if (counter.load(std::memory_order_acquire) != round) mine.sleep(ticket, deadline.remaining());
        mine.retract();
      }
      counter.store(round + 1, std::memory_order_release);
      theirs.wake();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  EXPECT_EQ(counter.load(), kRounds);
  EXPECT_FALSE(deadline.expired()) << "a wake-up was lost";
}

TEST(WorkerTest, EndsTheProgramWhenTheWrongThreadUsesIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Context context(context_options_for(Path::emulated));
        Worker worker(context);
        std::thread([&] { worker.progress(); }).join();
      },
      "thread that does not own it");
}

TEST(WorkerTest, ThreadsHaveWorkersOfTheSameContext) {
  ContextOptions options = context_options_for(Path::emulated);
  options.shared_between_threads = true;
  Context context(options);
  Worker main_worker(context);
  std::thread liveness([&] {
    Worker liveness_worker(context);
    for (int i = 0; i < 1000; ++i) liveness_worker.progress();
  });
  for (int i = 0; i < 1000; ++i) main_worker.progress();
  liveness.join();
}

}  // namespace
}  // namespace runnel::test
