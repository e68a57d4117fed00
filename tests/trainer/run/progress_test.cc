// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace runnel {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ProgressTest : public testing::Test {
 protected:
  ~ProgressTest() override { std::fclose(file_); }

  std::string written() {
    std::rewind(file_);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file_));
    return text;
  }

  Progress::Step step(std::int64_t number) const {
    return {.step = number, .loss = 0.12345, .samples = 2000, .seconds = 0.5, .exchange_ms = 0.987};
  }

  std::FILE* file_ = std::tmpfile();
  RunPlan plan_{{.samples = 60, .batch_size = 10, .max_epochs = 2}};  // six steps an epoch
};

TEST_F(ProgressTest, PlainLinesComeNowAndThenAndAtTheEnd) {
  Progress progress({.out = file_, .log_every = 5}, plan_);
  for (std::int64_t number = 0; number < 12; ++number) {
    progress.step(step(number));
  }
  const std::string text = written();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, StartsWith("epoch 1/2 step 5/12 loss 0.1235 4000 samples/s exchange 0.99 ms, "));
  EXPECT_THAT(text, HasSubstr("epoch 2/2 step 10/12 "));
  EXPECT_THAT(text, HasSubstr("epoch 2/2 step 12/12 "));
  EXPECT_THAT(text, EndsWith("0 s left\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(ProgressTest, AnExchangeThatIsNotKnownYetIsLeftOut) {
  Progress progress({.out = file_, .log_every = 1}, plan_);
  Progress::Step first = step(0);
  first.exchange_ms.reset();
  progress.step(first);
  EXPECT_THAT(written(), StartsWith("epoch 1/2 step 1/12 loss 0.1235 4000 samples/s, "));
}

TEST_F(ProgressTest, TheLiveLineIsDrawnOverAndNotTooOften) {
  Progress progress({.out = file_, .live = true}, plan_);
  for (std::int64_t number = 0; number < 12; ++number) {
    progress.step(step(number));
  }
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("step 1/12"));
  EXPECT_THAT(text, Not(HasSubstr("step 2/12")));
  EXPECT_THAT(text, HasSubstr("step 12/12"));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST_F(ProgressTest, OtherLinesReplaceTheLiveLine) {
  {
    Progress progress({.out = file_, .live = true}, plan_);
    progress.step(step(0));
    progress.print("hello");
    progress.step(step(11));
  }
  EXPECT_THAT(written(), HasSubstr("\r\x1b[Khello\n"));
  EXPECT_THAT(written(), EndsWith("\r\x1b[K"));
}

TEST_F(ProgressTest, TestLinesGiveLossAndAccuracy) {
  Progress progress({.out = file_}, plan_);
  progress.test(5, {.loss = 0.1234,
                    .samples = 10000,
                    .metrics = {{.name = "accuracy", .value = 0.9654, .sum = 9654, .count = 10000}}});
  EXPECT_EQ(written(), "epoch 1/2 test loss 0.1234 accuracy 0.9654 (9654/10000)\n");
}

}  // namespace
}  // namespace runnel
