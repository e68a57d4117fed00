// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_model.h"

#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "tests/trainer/model/fixture_models.h"

namespace runnel {
namespace {

using test::kBatch;
using test::names;
using test::pass;
using test::samples;
using testing::EndsWith;

std::filesystem::path fixture(const std::string& name) {
  return RUNNEL_FIXTURE_FOLDER "/exported_" + name + ".pt2";
}

TEST(ExportedModelTest, NamesBuffersAsStateDictDoes) {
  ExportedModel model(fixture("batch_norm"));
  EXPECT_THAT(
      names(model.buffers()),
      testing::UnorderedElementsAre("norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
                                    "norm2.running_mean", "norm2.running_var", "norm2.num_batches_tracked", "passes"));
}

TEST(ExportedModelTest, SaysWhichInputsDoNotFit) {
  const ExportedModel model(fixture("transformer"));
  const auto message = [&](const std::vector<ExportedModel::InputShape>& inputs) -> std::string {
    try {
      model.check_inputs(inputs);
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      return error.what();
    }
  };
  const std::array<std::int64_t, 2> good = {4, 8}, longer = {4, 9};
  const std::array<std::int64_t, 3> deeper = {4, 8, 1};
  EXPECT_EQ(message({{at::kLong, good}}), "");
  const std::string wanted = "exported_transformer.pt2: input 1 \"tokens\": the program takes int64 [s";
  EXPECT_THAT(message({{at::kFloat, good}}), testing::HasSubstr(wanted));
  EXPECT_THAT(message({{at::kFloat, good}}), EndsWith(", 8], the batch has float32 [4, 8]"));
  EXPECT_THAT(message({{at::kLong, longer}}), EndsWith("the batch has int64 [4, 9]"));
  EXPECT_THAT(message({{at::kLong, deeper}}), EndsWith("the batch has int64 [4, 8, 1]"));
  EXPECT_THAT(message({}), EndsWith("the program takes 1 tensors, the batch has 0"));
}

TEST(ExportedModelTest, NamesTheSourceOfAnOperationThatFails) {
  ExportedModel model(fixture("transformer"));
  const at::Tensor beyond = at::arange(kBatch * 8, at::kLong).view({kBatch, 8});
  try {
    pass(model, beyond);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), testing::HasSubstr("exported_transformer.pt2: node \"embedding\" (make_fixtures.py:"));
    EXPECT_THAT(error.what(), EndsWith("index out of range in self"));
  }
}

}  // namespace
}  // namespace runnel
