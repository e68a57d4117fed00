// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/trainer/model/changed_model.h"
#include "tests/trainer/model/fixture_models.h"

/// What a .pt2 may write to, and what its outputs are: files that PyTorch does not write, but a stranger may.
namespace runnel {
namespace {

using test::add_argument;
using test::pass;
using test::planted_node;
using test::samples;
using testing::EndsWith;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr std::size_t kNorm = 3;  // the node of the first normalization, of 4 channels

Json& argument(Json& module, std::size_t node, const std::string& name) {
  for (Json& input : module["graph"]["nodes"][node]["inputs"]) {
    if (input["name"] == name) return input["arg"];
  }
  throw std::out_of_range(name);
}

Json tensor(const std::string& value) {
  return {{"as_tensor", {{"name", value}}}};
}

void plant(Json& module, const Json& node) {
  module["graph"]["nodes"].insert(module["graph"]["nodes"].begin() + kNorm, node);
}

/// Makes `value` the running mean of the first normalization, after `planted` others.
void set_mean(Json& module, const std::string& value, std::size_t planted = 0) {
  argument(module, kNorm + planted, "running_mean") = tensor(value);
}

void make_instance_norm(Json& module) {
  Json& node = module["graph"]["nodes"][kNorm];
  node["target"] = "torch.ops.aten.instance_norm.default";
  for (Json& input : node["inputs"]) {
    if (input["name"] == "training") input["name"] = "use_input_stats";
  }
}

std::vector<at::Tensor> copies_of(const std::vector<NamedTensor>& tensors) {
  std::vector<at::Tensor> copies;
  for (const NamedTensor& one : tensors) copies.push_back(one.tensor.detach().clone());
  return copies;
}

bool are_equal(const std::vector<NamedTensor>& tensors, const std::vector<at::Tensor>& copies) {
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!tensors[i].tensor.equal(copies[i])) return false;
  }
  return true;
}

class ExportedWritesTest : public testing::Test {
 protected:
  test::ChangedModel changed_{"batch_norm"};
};

TEST_F(ExportedWritesTest, AreNoneWithoutAChange) {
  EXPECT_EQ(changed_.error_of([](Json&) {}), "");
}

TEST_F(ExportedWritesTest, OfStatisticsAreRefusedOutsideOfBuffers) {
  EXPECT_THAT(changed_.error_of([](Json& module) { set_mean(module, "p_norm_weight"); }),
              AllOf(HasSubstr("net.pt2: node \"batch_norm\" ("), HasSubstr("writes to a parameter or constant")));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    plant(module, planted_node("detach.default", "p_norm_bias"));
    set_mean(module, "planted", 1);
  }),
              HasSubstr("writes to a parameter or constant"));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    Json part = planted_node("narrow.default", "all");
    add_argument(part, "dim", {{"as_int", 0}});
    add_argument(part, "start", {{"as_int", 0}});
    add_argument(part, "length", {{"as_int", 4}});
    plant(module, part);
    plant(module, planted_node("flatten.using_ints", "image", "all"));
    set_mean(module, "planted", 2);
  }),
              HasSubstr("writes to the input \"image\""));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    for (Json& spec : module["signature"]["input_specs"]) {
      if (!spec.contains("buffer") || spec["buffer"]["buffer_name"] != "scale") continue;
      spec = {{"tensor_constant", {{"arg", {{"name", "b_scale"}}}, {"tensor_constant_name", "scale"}}}};
    }
    argument(module, 8, "running_var") = tensor("b_scale");
  }),
              HasSubstr("node \"batch_norm_1\" ("));
}

TEST_F(ExportedWritesTest, ToConstantsInAnOperationAreRefused) {
  const std::string refusal = "writes to a constant; supported are buffers and results";
  EXPECT_THAT(changed_.error_of([](Json& module) {
    argument(module, kNorm, "running_mean") = {{"as_float", 0.5}};
  }),
              EndsWith(refusal));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    Json node = planted_node("relu_.default", "image");
    node["inputs"][0]["arg"] = {{"as_float", 0.5}};
    plant(module, node);
  }),
              EndsWith(refusal));
}

TEST_F(ExportedWritesTest, OfStatisticsToResultsStayInThePass) {
  ExportedModel model = changed_.make([](Json& module) {
    plant(module, planted_node("clone.default", "b_norm_running_mean"));
    set_mean(module, "planted", 1);
  });
  pass(model, samples("batch_norm", 0).inputs);
  const std::vector<NamedTensor> buffers = model.buffers();
  const auto sum_of = [&](const std::string& name) {
    return std::ranges::find(buffers, name, &NamedTensor::name)->tensor.sum().item<double>();
  };
  EXPECT_EQ(sum_of("norm.running_mean"), 0);
  EXPECT_NE(sum_of("norm.running_var"), 4);
}

TEST_F(ExportedWritesTest, OfStatisticsDoNotHappenWithTheSwitchOff) {
  ExportedModel model = changed_.make([](Json& module) {
    argument(module, kNorm, "training") = {{"as_bool", false}};
    plant(module, planted_node("detach.default", "p_norm_bias"));
    set_mean(module, "planted", 1);
  });
  const std::vector<at::Tensor> before = copies_of(model.parameters());
  pass(model, samples("batch_norm", 0).inputs);
  EXPECT_TRUE(are_equal(model.parameters(), before));
}

/// It writes the mean over the samples of what it has for each, which rounds.
TEST_F(ExportedWritesTest, OfInstanceNormToBuffersHappenInTrainingOnly) {
  ExportedModel model = changed_.make(make_instance_norm);
  const auto inputs = [](std::int64_t step) { return samples("batch_norm", step, 7).inputs; };
  const std::vector<at::Tensor> start = copies_of(model.buffers());
  pass(model, inputs(0));
  EXPECT_FALSE(are_equal(model.buffers(), start));
  const std::vector<at::Tensor> trained = copies_of(model.buffers());
  model.set_training(false);
  pass(model, inputs(1));
  EXPECT_TRUE(are_equal(model.buffers(), trained));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    make_instance_norm(module);
    argument(module, kNorm, "use_input_stats") = {{"as_bool", false}};
    set_mean(module, "p_norm_bias");
  }),
              HasSubstr("writes to a parameter or constant"));
}

void add_update(Json& module, const std::string& buffer, const std::string& value) {
  module["signature"]["output_specs"].push_back(
      {{"buffer_mutation", {{"arg", {{"name", value}}}, {"buffer_name", buffer}}}});
}

/// A number as the value "count".
void plant_number(Json& module) {
  Json node = planted_node("sym_size.int", "image", "count");
  add_argument(node, "dim", {{"as_int", 0}});
  node["outputs"] = {{{"as_sym_int", {{"as_name", "count"}}}}};
  plant(module, node);
}

TEST_F(ExportedWritesTest, OfNewValuesToBuffersKeepShapeAndType) {
  EXPECT_EQ(changed_.error_of([](Json& module) { add_update(module, "norm.running_mean", "b_norm_running_var"); }), "");
  const std::string new_value = "net.pt2: the new value of the buffer \"passes\": expected ";
  EXPECT_THAT(changed_.error_of([](Json& module) { add_update(module, "passes", "b_norm_running_var"); }),
              EndsWith(new_value + "float32 [], found float32 [4]"));
  EXPECT_THAT(changed_.error_of([](Json& module) { add_update(module, "norm.running_mean", "b_passes"); }),
              EndsWith("expected float32 [4], found float32 []"));  // which could be broadcast
  EXPECT_THAT(changed_.error_of([](Json& module) { add_update(module, "passes", "b_norm_num_batches_tracked"); }),
              EndsWith(new_value + "float32 [], found int64 []"));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    plant_number(module);
    add_update(module, "passes", "count");
  }),
              EndsWith("net.pt2: the new value of the buffer \"passes\": expected a tensor, found Int"));
}

/// Other processes would not get the new values.
TEST_F(ExportedWritesTest, ToBuffersOutsideOfStateDictAreRefused) {
  const std::string refusal =
      "writes to the buffer \"scale\", which state_dict leaves out; register it without persistent=False";
  const auto write = [](Json& module) { plant(module, planted_node("neg_.default", "b_scale")); };
  EXPECT_THAT(changed_.error_of(write), EndsWith("net.pt2: node \"planted\" (net.py:5): " + refusal));
  EXPECT_THAT(changed_.error_of([](Json& module) { add_update(module, "scale", "b_scale"); }),
              EndsWith("net.pt2: " + refusal));
  ExportedModel model = changed_.make(write);
  model.set_training(false);
  EXPECT_EQ(pass(model, samples("batch_norm", 0).inputs).numel(), 60);  // an evaluation leaves writes out
}

TEST_F(ExportedWritesTest, OutputsAreTensorsAndThere) {
  EXPECT_THAT(changed_.error_of([](Json& module) {
    plant_number(module);
    module["graph"]["tensor_values"]["count"] = module["graph"]["tensor_values"]["log_softmax"];
    module["signature"]["output_specs"][0]["user_output"]["arg"] = tensor("count");
  }),
              EndsWith("net.pt2: the output \"count\": expected a tensor, found Int"));
  EXPECT_THAT(changed_.error_of([](Json& module) { module["signature"]["output_specs"] = Json::array(); }),
              EndsWith("net.pt2: the program has no output"));
  EXPECT_THAT(changed_.error_of([](Json& module) {
    plant_number(module);
    Json twice = module["graph"]["nodes"][kNorm];
    twice["target"] = "_operator.neg";
    twice["inputs"] = {{{"name", "a"}, {"arg", {{"as_int", 1}}}, {"kind", 1}}};
    twice["outputs"] = {{{"as_sym_int", {{"as_name", "one"}}}}, {{"as_sym_int", {{"as_name", "two"}}}}};
    plant(module, twice);
  }),
              EndsWith("has more results than its operation"));
}

}  // namespace
}  // namespace runnel
