// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_rule.h"

#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/base/run_error.h"
#include "tests/trainer/model/changed_model.h"
#include "trainer/model/exported_arithmetic.h"
#include "trainer/model/exported_operation.h"

namespace runnel {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using Json = nlohmann::json;

std::string refusal(const std::string& target) {
  try {
    permitted_operation(target, "net.pt2: node \"n\" (net.py:1)");
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("net.pt2: node \"n\" (net.py:1): the operation " + target + " "));
    return error.what();
  }
}

TEST(ExportedRuleTest, PermitsFunctionsOnTensors) {
  for (const char* name : {"add.Tensor",
                           "add_.Tensor",
                           "batch_norm.default",
                           "conv2d.default",
                           "conv2d.padding",
                           "div.Tensor_mode",
                           "dropout.default",
                           "einsum.default",
                           "embedding.default",
                           "gelu.default",
                           "index.Tensor",
                           "layer_norm.default",
                           "lstm.input",
                           "masked_fill.Scalar",
                           "native_layer_norm.default",
                           "pad.default",
                           "relu_.default",
                           "rand.default",
                           "scaled_dot_product_attention.default",
                           "split.Tensor",
                           "sym_size.int",
                           "to.dtype_layout",
                           "_native_batch_norm_legit_functional.default",
                           "_softmax.default",
                           "copy_.default",
                           "detach_.default",
                           "lift_fresh_copy.default"}) {
    EXPECT_EQ(refusal(std::string("torch.ops.aten.") + name), "") << name;
  }
}

TEST(ExportedRuleTest, RefusesEverythingElse) {
  const auto refused = [](const char* name) { return refusal(std::string("torch.ops.aten.") + name); };
  EXPECT_THAT(refused("from_file.default"), HasSubstr("takes more than tensors and numbers: \"filename\""));
  EXPECT_THAT(refused("set_.source_Storage"), HasSubstr("takes more than tensors and numbers"));
  EXPECT_THAT(refused("record_stream.default"), HasSubstr("takes more than tensors and numbers"));
  EXPECT_THAT(refused("set_.source_Tensor"), HasSubstr("changes what a tensor is"));
  EXPECT_THAT(refused("resize_.default"), HasSubstr("changes what a tensor is"));
  EXPECT_THAT(refused("transpose_.default"), HasSubstr("changes what a tensor is"));
  EXPECT_THAT(refused("requires_grad_.default"), HasSubstr("changes what a tensor is"));
  EXPECT_THAT(refused("add.out"), HasSubstr("writes to \"out\""));
  EXPECT_THAT(refused("_unsafe_index.Tensor"), HasSubstr("is internal to PyTorch"));
  EXPECT_THAT(refused("_backward.default"), HasSubstr("is internal to PyTorch"));
  EXPECT_THAT(refused("fbgemm_linear_fp16_weight.default"), HasSubstr("format of a library"));
  EXPECT_THAT(refused("no_such_thing.default"), HasSubstr("is unknown to this LibTorch"));
  EXPECT_THAT(refused("relu"), testing::IsEmpty());
  EXPECT_THAT(refusal("torch.ops.prims.add.default"), HasSubstr("is unknown"));
  EXPECT_THAT(refusal("torch.ops.mine.read_file.default"), HasSubstr("is unknown"));
  EXPECT_THAT(refusal("os.system"), HasSubstr("is unknown"));
  EXPECT_THAT(refused("batch_norm_update_stats.default"), HasSubstr("writes to \"running_mean\""));
}

TEST(ExportedRuleTest, NamesTheFunctionsOnSizes) {
  try {
    permitted_operation("_operator.pow", "net.pt2: node \"n\" (net.py:1)");
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("net.pt2: node \"n\" (net.py:1): _operator.pow computes a size or a "
                                                  "number, and is not supported; supported for that are "
                                                  "_operator.add, "));
  }
}

/// Whatever operation of LibTorch a file names, none that is permitted takes a file's name, a stream or a storage.
TEST(ExportedRuleTest, HoldsForEveryOperationOfLibTorch) {
  std::size_t permitted = 0, all = 0;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (!name.name.starts_with("aten::")) continue;
    ++all;
    const std::string overload = name.overload_name.empty() ? "default" : name.overload_name;
    try {
      const auto operation = permitted_operation("torch.ops.aten." + name.name.substr(6) + "." + overload, "x");
      ++permitted;
      const auto& arguments = operation.schema().arguments();
      for (const c10::Argument& argument : arguments) {
        EXPECT_THAT(argument.name(), Not(testing::ContainsRegex("file|url|stream"))) << name;
        if (argument.name() != "running_mean") continue;
        EXPECT_THAT(name.name, testing::AnyOf("aten::batch_norm", "aten::instance_norm", "aten::native_batch_norm",
                                              EndsWith("_functional"), EndsWith("_backward")))
            << "may write to statistics";
      }
      const auto* const alias = arguments.empty() ? nullptr : arguments.front().alias_info();
      if (alias == nullptr || !alias->isWrite()) continue;
      EXPECT_EQ(arguments.front().type()->kind(), c10::TypeKind::TensorType) << name;
    } catch (const RunError&) {
    }
  }
  EXPECT_GT(permitted, 500U);
  EXPECT_LT(permitted, all);
}

/// The fixture "frozen" with other nodes.
class ChangedModelTest : public testing::Test {
 protected:
  std::string error_of(const std::function<void(Json& nodes)>& change) const {
    return changed_.error_of([&](Json& module) { change(module["graph"]["nodes"]); });
  }

  static Json relu_on(const std::string& value) { return test::planted_node("relu_.default", value); }

  test::ChangedModel changed_{"frozen"};
};

TEST_F(ChangedModelTest, RunsUnchanged) {
  EXPECT_EQ(error_of([](Json&) {}), "");
}

TEST_F(ChangedModelTest, RefusesWritesToInputsAndParameters) {
  EXPECT_THAT(error_of([](Json& nodes) { nodes.insert(nodes.begin(), relu_on("image")); }),
              HasSubstr("net.pt2: node \"planted\" (net.py:5): writes to the input \"image\""));
  EXPECT_THAT(error_of([](Json& nodes) { nodes.insert(nodes.end(), relu_on("flatten")); }),
              HasSubstr("writes to the input \"image\""));  // through a view
  EXPECT_THAT(error_of([](Json& nodes) { nodes.insert(nodes.begin(), relu_on("p_first_weight")); }),
              HasSubstr("writes to a parameter or constant"));
}

TEST_F(ChangedModelTest, RefusesArgumentsThatDoNotFit) {
  const auto with_argument = [&](const Json& argument) {
    return error_of([&](Json& nodes) {
      Json planted = relu_on("image");
      planted["target"] = "torch.ops.aten.leaky_relu.default";
      test::add_argument(planted, "negative_slope", argument);
      nodes.insert(nodes.begin(), planted);
    });
  };
  EXPECT_EQ(with_argument({{"as_float", 0.5}}), "");
  EXPECT_EQ(with_argument({{"as_int", 1}}), "");
  EXPECT_THAT(with_argument({{"as_string", "x"}}), HasSubstr("(net.py:5): "));
  EXPECT_THAT(with_argument({{"as_ints", {1, 2}}}), HasSubstr("(net.py:5): does not fit its operation"));
  EXPECT_THAT(error_of([&](Json& nodes) {
                Json planted = relu_on("image");
                planted["inputs"][0]["name"] = "other";
                nodes.insert(nodes.begin(), planted);
              }),
              HasSubstr("gives an argument \"other\", which this LibTorch's operation lacks"));
}

TEST(ExportedOperationTest, ANormalizationWithoutStatisticsIsTheSameInEvaluation) {
  using Kind = ExportedArgument::Kind;
  const ExportedNode node{.name = "norm",
                          .target = "torch.ops.aten._native_batch_norm_legit.no_stats",
                          .place = "node \"norm\"",
                          .arguments = {{"input", {.kind = Kind::value, .value = 0}},
                                        {"weight", {.kind = Kind::none}},
                                        {"bias", {.kind = Kind::none}},
                                        {"training", {.kind = Kind::boolean, .integer = 1}},
                                        {"momentum", {.kind = Kind::number, .number = 0.1}},
                                        {"eps", {.kind = Kind::number, .number = 1e-5}}},
                          .results = {{.values = {1}}, {.values = {2}}, {.values = {3}}}};
  ExportedOperation operation(node, "net.pt2", c10::kCPU);
  std::vector<c10::IValue> values(4);
  values[0] = at::arange(6, at::kFloat).view({3, 2});
  operation.run(values);
  const at::Tensor in_training = values[1].toTensor();
  operation.set_training(false);
  operation.run(values);
  EXPECT_TRUE(values[1].toTensor().equal(in_training));
}

TEST(SizeFunctionTest, ComputesAsPythonDoes) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const auto call = [](const char* name, std::vector<c10::IValue> values) { return size_function(name)(values); };
  EXPECT_EQ(call("_operator.floordiv", {-7, 2}).toInt(), -4);
  EXPECT_EQ(call("_operator.mod", {-7, 2}).toInt(), 1);
  EXPECT_EQ(call("_operator.mod", {7, -2}).toInt(), -1);
  EXPECT_EQ(call("_operator.mod", {kLeast, 3}).toInt(), 1);
  EXPECT_EQ(call("_operator.mod", {kLeast, -1}).toInt(), 0);
  EXPECT_EQ(call("_operator.truediv", {7, 2}).toDouble(), 3.5);
  EXPECT_EQ(call("_operator.mul", {3, 4}).toInt(), 12);
  EXPECT_TRUE(call("_operator.ge", {4, 4}).toBool());
  EXPECT_EQ(call("math.ceil", {2.5}).toInt(), 3);
  EXPECT_EQ(call("torch.sym_max", {2, 5}).toInt(), 5);
  EXPECT_THROW(call("_operator.mul", {kMost, 2}), c10::Error);
  EXPECT_THROW(call("_operator.floordiv", {1, 0}), c10::Error);
  EXPECT_THROW(call("_operator.floordiv", {kLeast, -1}), c10::Error);
  EXPECT_THROW(call("_operator.mod", {1, 0}), c10::Error);
  EXPECT_THROW(call("_operator.truediv", {1, 0}), c10::Error);
  EXPECT_THROW(call("_operator.add", {1}), c10::Error);
  EXPECT_EQ(size_function("os.system"), nullptr);
}

}  // namespace
}  // namespace runnel
