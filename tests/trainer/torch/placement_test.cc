// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const CudaFound kNone = {.devices = 0, .reason = "there is no driver: install one"};

DeviceName named(const std::string& text) {
  return DeviceName::from_string(text).value();
}

std::vector<std::string> dealt(const std::string& wanted, int processes, int gpus) {
  std::vector<std::string> devices;
  for (int process = 0; process < processes; ++process) {
    devices.push_back(place(named(wanted), "trainer.device", process, {.devices = gpus, .reason = ""}).to_string());
  }
  return devices;
}

/// What it says when it refuses `wanted`.
std::string refusal(const std::string& wanted, const CudaFound& found) {
  try {
    return "took " + place(named(wanted), "trainer.device", 0, found).to_string();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
}

TEST(PlacementTest, DealsTheGpusOfAHostRoundAfterRound) {
  for (const char* wanted : {"auto", "cuda"}) {
    EXPECT_THAT(dealt(wanted, 3, 4), ElementsAre("cuda:0", "cuda:1", "cuda:2"));
    EXPECT_THAT(dealt(wanted, 5, 2), ElementsAre("cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"));
    EXPECT_THAT(dealt(wanted, 3, 1), ElementsAre("cuda:0", "cuda:0", "cuda:0"));
  }
}

TEST(PlacementTest, KeepsToADeviceThatIsNamed) {
  EXPECT_THAT(dealt("cpu", 2, 4), ElementsAre("cpu", "cpu"));
  EXPECT_THAT(dealt("cuda:3", 2, 4), ElementsAre("cuda:3", "cuda:3"));
}

TEST(PlacementTest, TakesTheCpuWhereThereIsNoGpu) {
  EXPECT_EQ(place(DeviceName(), "trainer.device", 0, kNone), DeviceId::cpu());
  EXPECT_EQ(place(DeviceName::cpu(), "trainer.device", 0, kNone), DeviceId::cpu());
}

TEST(PlacementTest, RefusesCudaWithKeyReasonAndRemedy) {
  for (const char* wanted : {"cuda", "cuda:1"}) {
    EXPECT_THAT(refusal(wanted, kNone), AllOf(HasSubstr("'trainer.device'"), HasSubstr(wanted), HasSubstr(kNone.reason),
                                              HasSubstr("or use \"cpu\"")));
  }
}

TEST(PlacementTest, RefusesAGpuBeyondThoseOfTheHost) {
  const std::string text = refusal("cuda:2", {.devices = 2, .reason = ""});
  EXPECT_THAT(text, AllOf(HasSubstr("\"cuda:2\""), HasSubstr("shows 2 of them"), HasSubstr("\"auto\"")));
}

TEST(SelectDevice, NeedsNoCudaForTheCpu) {
  EXPECT_EQ(select_device(DeviceName::cpu(), "generator.device", 1), DeviceId::cpu());
}

}  // namespace
}  // namespace runnel
