// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/work_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using testing::ElementsAre;

constexpr std::chrono::seconds kPatience{30};  // then a test fails

/// Makes items that are their numbers, writes down the order, and can be held at an item.
class Maker {
 public:
  explicit Maker(std::size_t ahead, std::int64_t end = 1000) : places_(ahead + 1, -1) {
    work_.emplace(WorkAhead::Settings{.purpose = "a test", .end = end, .ahead = ahead},
                  [this](std::int64_t number, std::size_t place) { make(number, place); });
  }

  ~Maker() { release(); }

  /// What lies in the place of item `number`.
  std::int64_t take(std::int64_t number) { return places_[work_->take(number)]; }

  WorkAhead& work() { return *work_; }

  /// From now on `make` waits in item `number`.
  void hold(std::int64_t number) {
    const std::lock_guard lock(mutex_);
    held_ = number;
  }

  void release() {
    {
      const std::lock_guard lock(mutex_);
      held_.reset();
    }
    changed_.notify_all();
  }

  /// Waits until item `number` was begun; false if it never is.
  bool await_begun(std::int64_t number) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return begun_.contains(number); });
  }

  std::vector<std::int64_t> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

  std::set<std::thread::id> threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
  }

  std::int64_t fails_at = -1;  // set before the first take

 private:
  void make(std::int64_t number, std::size_t place) {
    std::unique_lock lock(mutex_);
    order_.push_back(number);
    begun_.insert(number);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
    changed_.wait(lock, [&] { return held_ != number; });
    if (number == fails_at) throw RunError(ExitStatus::bad_data, "item " + std::to_string(number) + " is damaged");
    lock.unlock();
    places_[place] = number;  // unguarded, so that the thread sanitizer sees who uses a place at the wrong time
  }

  std::vector<std::int64_t> places_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::int64_t> held_;
  std::set<std::int64_t> begun_;
  std::vector<std::int64_t> order_;
  std::set<std::thread::id> threads_;
  std::optional<WorkAhead> work_;  // last: its thread uses the others
};

std::vector<std::int64_t> numbers(std::int64_t count) {
  std::vector<std::int64_t> all;
  for (std::int64_t number = 0; number < count; ++number) all.push_back(number);
  return all;
}

class WorkAheadTest : public testing::TestWithParam<std::size_t> {};

TEST_P(WorkAheadTest, MakesEveryItemOnceAndInOrder) {
  Maker maker(GetParam(), 100);
  for (std::int64_t number = 0; number < 100; ++number) ASSERT_EQ(maker.take(number), number);
  EXPECT_EQ(maker.order(), numbers(100));
}

TEST_P(WorkAheadTest, BeginsAgainWhereAnotherItemIsWanted) {
  Maker maker(GetParam());
  for (const std::int64_t number : {7, 8, 3, 3, 4, 900, 0, 1, 2, 999}) ASSERT_EQ(maker.take(number), number);
}

TEST_P(WorkAheadTest, ThrowsWithTheItemThatCouldNotBeMade) {
  Maker maker(GetParam(), 5);
  maker.fails_at = 3;
  for (std::int64_t number = 0; number < 3; ++number) EXPECT_EQ(maker.take(number), number);
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      maker.take(3);
      ADD_FAILURE() << "item 3 was made";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      EXPECT_STREQ(error.what(), "item 3 is damaged");
    }
  }
  EXPECT_EQ(maker.take(4), 4);
}

TEST_P(WorkAheadTest, CanBeStoppedAtAnyTimeAndTwice) {
  Maker unused(GetParam());
  unused.work().stop();
  Maker maker(GetParam());
  maker.take(0);
  maker.work().stop();
  maker.work().stop();
}

INSTANTIATE_TEST_SUITE_P(Ahead, WorkAheadTest, testing::Values(0, 1, 2, 8));

TEST(WorkAhead, MakesNothingBeforeTheFirstIsTakenAndNoMoreThanItMay) {
  constexpr std::int64_t kAhead = 3;
  Maker maker(kAhead);
  EXPECT_TRUE(maker.order().empty());
  maker.take(0);
  ASSERT_TRUE(maker.await_begun(kAhead));
  maker.work().stop();  // nothing is under way any more
  EXPECT_EQ(maker.order(), numbers(kAhead + 1));
  EXPECT_EQ(maker.threads().size(), 2U) << "this one for the first item, and the other";
}

TEST(WorkAhead, EndsWithTheLastItem) {
  Maker maker(8, 3);
  for (std::int64_t number = 0; number < 3; ++number) EXPECT_EQ(maker.take(number), number);
  maker.work().stop();
  EXPECT_EQ(maker.order(), numbers(3));
}

TEST(WorkAhead, MakesTheNextItemWhileOneIsUsed) {
  Maker maker(1);
  for (std::int64_t number = 0; number < 10; ++number) {
    maker.hold(number + 1);
    EXPECT_EQ(maker.take(number), number);
    ASSERT_TRUE(maker.await_begun(number + 1)) << "nothing is made while item " << number << " is used";
    maker.release();
  }
}

TEST(WorkAhead, WithoutAThreadMakesAnItemWhenItIsTaken) {
  Maker maker(0);
  EXPECT_EQ(maker.take(0), 0);
  EXPECT_THAT(maker.order(), ElementsAre(0));
  EXPECT_THAT(maker.threads(), ElementsAre(std::this_thread::get_id()));
}

TEST(WorkAhead, ForgetsAnItemThatARestartOvertakes) {
  Maker maker(2);
  maker.hold(2);
  EXPECT_EQ(maker.take(0), 0);
  ASSERT_TRUE(maker.await_begun(2));
  auto restarted = std::async(std::launch::async, [&] { return maker.take(50); });
  EXPECT_EQ(restarted.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout) << "item 2 is still made";
  maker.release();
  EXPECT_EQ(restarted.get(), 50);
  EXPECT_EQ(maker.take(2), 2) << "and is made again";
}

TEST(WorkAhead, StopWaitsForTheItemUnderWayAndForNoOther) {
  Maker maker(8);
  maker.hold(1);
  maker.take(0);
  ASSERT_TRUE(maker.await_begun(1));
  auto stopped = std::async(std::launch::async, [&] { maker.work().stop(); });
  EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout);
  maker.release();
  ASSERT_EQ(stopped.wait_for(kPatience), std::future_status::ready);
  // Nobody says when stop() has begun: the thread may have made further items before that.
  EXPECT_EQ(maker.order(), numbers(static_cast<std::int64_t>(maker.order().size())));
}

}  // namespace
}  // namespace runnel
