// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/diagnosis_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/run_error.h"
#include "tests/runtime/doctor/healthy_machines.h"

namespace runnel::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The message of the `RunError` (76) that `unpack` throws.
template <class Unpack>
std::string refusal(Unpack&& unpack) {
  try {
    unpack();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    return error.what();
  }
  return "";
}

TEST(DiagnosisJson, CarriesTheDeviceOfARank) {
  MachineFacts facts = laptop("one", 1);
  facts.device = DeviceId::cuda(2);
  EXPECT_EQ(unpack_facts(pack_facts(facts), "rank 1").device, DeviceId::cuda(2));
  EXPECT_EQ(unpack_device(pack_device(DeviceId::cpu()), "rank 1"), DeviceId::cpu());
}

TEST(DiagnosisJson, TakesFactsThatLackADevice) {
  EXPECT_EQ(unpack_facts("{}", "rank 1").device, DeviceId::cpu());
}

TEST(DiagnosisJson, NamesTheSenderAndTheTextOfADeviceThatIsNone) {
  const auto expected = AllOf(HasSubstr("from rank 1: "), HasSubstr("\"tpu:0\""));
  EXPECT_THAT(refusal([] { unpack_device(R"("tpu:0")", "rank 1"); }), expected);
  EXPECT_THAT(refusal([] { unpack_facts(R"({"device": "tpu:0"})", "rank 1"); }), expected);
  EXPECT_THAT(refusal([] { unpack_device("cpu", "rank 1"); }), HasSubstr("from rank 1: "));
}

}  // namespace
}  // namespace runnel::test
