// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_model.h"

#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "tests/trainer/model/changed_model.h"
#include "tests/trainer/model/fixture_models.h"

namespace runnel {
namespace {

using test::kBatch;
using test::names;
using test::pass;
using test::samples;
using testing::EndsWith;
using testing::HasSubstr;

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

/// Why `model` does not take `inputs`; empty where it does.
std::string refusal_of(const ExportedModel& model, std::span<const ExportedModel::InputShape> inputs) {
  try {
    model.check_inputs(inputs);
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
}

TEST(ExportedModelTest, SaysWhichInputsDoNotFit) {
  const ExportedModel model(fixture("transformer"));
  const auto message = [&](const std::vector<ExportedModel::InputShape>& inputs) { return refusal_of(model, inputs); };
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

/// As after `if x.size(0) > 3` in the model's source, or with an example of fixed sizes.
TEST(ExportedModelTest, RefusesBatchesThatTheExportExcludes) {
  const test::ChangedModel changed("batch_norm");
  const auto message = [](const ExportedModel& model, std::int64_t batch) {
    const std::array<std::int64_t, 4> shape = {batch, 1, 12, 12};
    const std::array<ExportedModel::InputShape, 1> inputs = {{{at::kFloat, shape}}};
    return refusal_of(model, inputs);
  };
  const auto no_change = [](nlohmann::json&) {};
  const ExportedModel ranged = changed.make(no_change, {{"min_val", 4}, {"max_val", 8}});
  EXPECT_EQ(message(ranged, 4), "");
  EXPECT_EQ(message(ranged, 8), "");
  EXPECT_THAT(message(ranged, 3), HasSubstr("the program takes float32 [4 <= s"));
  EXPECT_THAT(message(ranged, 9), HasSubstr(" <= 8, 1, 12, 12], the batch has float32 [9, 1, 12, 12]; passes of other "
                                            "sizes than trainer.batch_size are made, too: export a model"));
  const ExportedModel fixed = changed.make([](nlohmann::json& module) {
    module["graph"]["tensor_values"]["image"]["sizes"][0] = {{"as_int", 4}};
  });
  EXPECT_EQ(message(fixed, 4), "");
  EXPECT_THAT(message(fixed, 2),
              HasSubstr("takes float32 [4, 1, 12, 12], the batch has float32 [2, 1, 12, 12]; passes"));
  EXPECT_EQ(message(changed.make(no_change, {{"min_val", 2}, {"max_val", nullptr}}), 1), "");
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

/// Its variance would be NaN, also in the buffers.
TEST(ExportedModelTest, RefusesToNormalizeByOneValue) {
  ExportedModel model(fixture("batch_norm"));
  const at::Tensor one = samples("batch_norm", 0, 1).inputs;
  try {
    pass(model, one);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("exported_batch_norm.pt2: node \"batch_norm_1\" ("));
    EXPECT_THAT(error.what(), HasSubstr("more than one value in each channel, found float32 [1, 10]; choose"));
  }
  model.set_training(false);
  EXPECT_EQ(pass(model, one).numel(), 10);
}

}  // namespace
}  // namespace runnel
