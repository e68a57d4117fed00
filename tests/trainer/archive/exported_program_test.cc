// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/exported_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/base/run_error.h"
#include "tests/trainer/archive/zip_files.h"
#include "trainer/archive/exported_nodes.h"

namespace runnel {
namespace {

using test::make_zip;
using testing::EndsWith;
using testing::HasSubstr;
using Json = nlohmann::json;

Json tensor_meta(const Json& sizes, const Json& strides) {
  Json meta = {{"dtype", 7}, {"requires_grad", true}, {"layout", 7}, {"storage_offset", {{"as_int", 0}}}};
  meta["device"] = {{"type", "cpu"}, {"index", nullptr}};
  meta["sizes"] = Json::array();
  meta["strides"] = Json::array();
  for (const Json& size : sizes) meta["sizes"].push_back({{"as_int", size}});
  for (const Json& stride : strides) meta["strides"].push_back({{"as_int", stride}});
  return meta;
}

Json payload(const char* member, const Json& sizes, const Json& strides) {
  return {
      {"path_name", member}, {"is_param", true}, {"use_pickle", false}, {"tensor_meta", tensor_meta(sizes, strides)}};
}

/// A program that adds a parameter to its input, as torch.export writes it.
class ExportedProgramTest : public testing::Test {
 protected:
  ExportedProgramTest() {
    Json input = tensor_meta(Json::array(), {3, 1});
    input["sizes"] = {{{"as_expr", {{"expr_str", "Symbol('s7', positive=True, integer=True)"}, {"hint", nullptr}}}},
                      {{"as_int", 3}}};
    const Json metadata = {
        {"stack_trace",
         "File \"/home/me/net.py\", line 12, in forward\n    x\n  File \"/x/site-packages/torch/nn/f.py\", "
         "line 9, in add"}};
    const Json add = {{"target", "torch.ops.aten.add.Tensor"},
                      {"inputs",
                       {{{"name", "self"}, {"arg", {{"as_tensor", {{"name", "x"}}}}}, {"kind", 1}},
                        {{"name", "other"}, {"arg", {{"as_tensor", {{"name", "p"}}}}}, {"kind", 1}},
                        {{"name", "alpha"}, {"arg", {{"as_int", 1}}}, {"kind", 2}}}},
                      {"outputs", {{{"as_tensor", {{"name", "add"}}}}}},
                      {"metadata", metadata},
                      {"name", "add"}};
    model_ = {{"schema_version", {{"major", 8}, {"minor", 17}}}, {"torch_version", "2.11.0"}};
    model_["graph_module"]["graph"] = {{"nodes", Json::array({add})},
                                       {"tensor_values", {{"x", input}, {"add", input}}}};
    model_["graph_module"]["signature"] = {
        {"input_specs",
         {{{"parameter", {{"arg", {{"name", "p"}}}, {"parameter_name", "bias"}}}},
          {{"buffer", {{"arg", {{"name", "b"}}}, {"buffer_name", "count"}, {"persistent", true}}}},
          {{"user_input", {{"arg", {{"as_tensor", {{"name", "x"}}}}}}}}}},
        {"output_specs",
         {{{"buffer_mutation", {{"arg", {{"name", "add"}}}, {"buffer_name", "count"}}}},
          {{"user_output", {{"arg", {{"as_tensor", {{"name", "add"}}}}}}}}}}};
    weights_ = {{"config", {{"bias", payload("weight_0", {3}, {1})}, {"count", payload("weight_1", {2, 2}, {1, 2})}}}};
  }

  ExportedProgram read() {
    const std::string top = "net/";
    std::filesystem::remove(file_);
    test::write_bytes(file_, make_zip({{top + "models/model.json", model_.dump()},
                                       {top + "data/weights/model_weights_config.json", weights_.dump()},
                                       {top + "data/weights/weight_0", std::string(12, '\1')},
                                       {top + "data/weights/weight_1", std::string(16, '\2')},
                                       {top + "data/constants/model_constants_config.json", constants_.dump()},
                                       {top + "byteorder", byte_order_}}));
    return read_exported_program(file_);
  }

  /// What is wrong with the archive; empty when nothing is.
  std::string refusal() {
    try {
      read();
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      return error.what();
    }
  }

  Json& node() { return model_["graph_module"]["graph"]["nodes"][0]; }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "net.pt2";
  Json model_;
  Json weights_;
  Json constants_ = {{"config", Json::object()}};
  std::string byte_order_ = "little";
};

TEST_F(ExportedProgramTest, ReadsAProgram) {
  const ExportedProgram program = read();
  ASSERT_EQ(program.states.size(), 2U);
  EXPECT_EQ(program.states[0].name, "bias");
  EXPECT_EQ(program.states[0].tensor.sizes, std::vector<std::int64_t>{3});
  EXPECT_TRUE(program.states[0].tensor.requires_grad);
  EXPECT_EQ(program.states[1].role, ExportedState::Role::buffer);
  ASSERT_EQ(program.inputs.size(), 1U);
  EXPECT_EQ(program.inputs[0].shape[0].symbol, "s7");
  EXPECT_EQ(program.inputs[0].shape[1].value, 3);
  ASSERT_EQ(program.nodes.size(), 1U);
  EXPECT_EQ(program.nodes[0].place, "node \"add\" (net.py:12)");
  EXPECT_EQ(program.nodes[0].arguments[0].argument.value, program.inputs[0].value);
  ASSERT_EQ(program.updates.size(), 1U);
  EXPECT_EQ(program.updates[0].buffer, 1U);
  ASSERT_EQ(program.outputs.size(), 1U);
  EXPECT_EQ(program.outputs[0].value, program.nodes[0].results[0].values[0]);
  EXPECT_EQ(program.outputs[0].type, ElementType::float32);
  EXPECT_EQ(program.outputs[0].shape[1].value, 3);
}

TEST_F(ExportedProgramTest, ReadsTheRangesOfFreeSizes) {
  const auto batch = [&] { return read().inputs[0].shape[0]; };
  EXPECT_EQ(batch().least, 0);
  model_["range_constraints"] = {{"s7", {{"min_val", 2}, {"max_val", nullptr}}}};  // what every export has
  EXPECT_EQ(batch().least, 0);
  EXPECT_EQ(batch().most, std::numeric_limits<std::int64_t>::max());
  model_["range_constraints"]["s7"] = {{"min_val", 4}, {"max_val", 64}};
  EXPECT_EQ(batch().least, 4);
  EXPECT_EQ(batch().most, 64);
  model_["range_constraints"]["s7"] = {{"min_val", "a"}};
  EXPECT_THAT(refusal(), HasSubstr("range_constraints.s7.min_val: expected an integer"));
}

TEST_F(ExportedProgramTest, RefusesDecomposedPrograms) {
  model_["verifiers"] = {"TRAINING"};
  EXPECT_EQ(refusal(), "");
  model_["verifiers"] = {"ATEN"};
  EXPECT_THAT(refusal(), HasSubstr("net.pt2: is a program of the dialect ATEN, as after run_decompositions, which"));
}

TEST_F(ExportedProgramTest, ReadsThoseOfPython) {
  for (const char* name : {"cnn", "transformer", "batch_norm", "frozen"}) {
    const ExportedProgram program =
        read_exported_program(std::string(RUNNEL_FIXTURE_FOLDER "/exported_") + name + ".pt2");
    EXPECT_EQ(program.inputs.size(), 1U) << name;
    EXPECT_EQ(program.outputs.size(), 1U) << name;
    EXPECT_THAT(program.nodes.front().place, HasSubstr("node \"")) << name;
  }
}

TEST_F(ExportedProgramTest, SaysWhatIsSupported) {
  const auto refused = [&](const std::function<void()>& change) {
    const Json model = model_, weights = weights_;
    change();
    const std::string found = refusal();
    model_ = model;
    weights_ = weights;
    return found;
  };
  EXPECT_THAT(
      refused([&] { model_["schema_version"]["major"] = 9; }),
      HasSubstr("is of major version 9 of torch.export's schema, written by torch 2.11.0; supported is version 8"));
  EXPECT_THAT(refused([&] { weights_["config"]["bias"]["use_pickle"] = true; }),
              HasSubstr("tensor \"bias\": is pickled"));
  EXPECT_THAT(refused([&] { weights_["config"].erase("bias"); }), HasSubstr("tensor \"bias\": is not in the archive"));
  EXPECT_THAT(refused([&] { weights_["config"]["bias"]["tensor_meta"]["dtype"] = 10; }), HasSubstr("found number 10"));
  EXPECT_THAT(refused([&] { weights_["config"]["bias"]["path_name"] = "../../../etc/passwd"; }),
              HasSubstr("found none"));
  EXPECT_THAT(
      refused([&] { node()["target"] = "torch.ops.higher_order.cond"; }),
      HasSubstr("node \"add\" (net.py:12): the operation torch.ops.higher_order.cond holds a graph of its own"));
  EXPECT_THAT(refused([&] {
                node()["inputs"][2]["arg"] = {{"as_complex", {{"real", 1}, {"imag", 0}}}};
              }),
              HasSubstr("(net.py:12): argument \"alpha\" is of kind as_complex; supported are"));
  EXPECT_THAT(refused([&] { node()["inputs"][0]["arg"]["as_tensor"]["name"] = "add"; }),
              EndsWith("expected the name of an earlier value, found \"add\""));
  EXPECT_THAT(refused([&] { node()["outputs"][0]["as_tensor"]["name"] = "x"; }), HasSubstr("for the second time"));
  EXPECT_THAT(refused([&] {
                model_["graph_module"]["signature"]["output_specs"][0]["buffer_mutation"]["buffer_name"] = "bias";
              }),
              EndsWith("expected the name of a buffer"));
  byte_order_ = "big";
  EXPECT_THAT(refusal(), HasSubstr("expected little-endian weights"));
}

TEST_F(ExportedProgramTest, RefusesTensorsBeyondTheirBytes) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::pair<Json, Json>> shapes = {
      {{4}, {1}},  {{3}, {2}},           {{kMost}, {1}},    {{kMost, kMost}, {kMost, 1}}, {{4, 4}, {0, 1}}, {{3}, {-1}},
      {{-1}, {1}}, {{3}, Json::array()}, {{1LL << 40}, {0}}};
  for (const auto& [sizes, strides] : shapes) {
    weights_["config"]["bias"] = payload("weight_0", sizes, strides);
    EXPECT_THAT(refusal(), HasSubstr("its shape needs more than the 12 bytes")) << sizes << strides;
  }
  weights_["config"]["bias"] = payload("weight_0", {3}, {1});
  weights_["config"]["bias"]["tensor_meta"]["storage_offset"]["as_int"] = 1;
  EXPECT_THAT(refusal(), HasSubstr("its shape needs more than"));
  weights_["config"]["bias"] = payload("weight_0", Json::array({0}), {1});
  weights_["config"]["bias"]["tensor_meta"]["storage_offset"]["as_int"] = kMost;
  EXPECT_THAT(refusal(), HasSubstr("its shape needs more than"));
}

TEST_F(ExportedProgramTest, NamesOtherArchives) {
  const auto refusal_of = [&](const std::string& member) {
    test::write_bytes(file_, make_zip({{member, "x"}}));
    try {
      read_exported_program(file_);
      return std::string();
    } catch (const RunError& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(refusal_of("serialized_exported_program.json"),
              HasSubstr("older torch.export.save, with pickled weights"));
  EXPECT_THAT(refusal_of("net/constants.pkl"), HasSubstr("a TorchScript archive"));
  EXPECT_THAT(refusal_of("net/data.pkl"), HasSubstr("a pickled file of torch.save"));
  EXPECT_THAT(refusal_of("a.npy"), HasSubstr("an archive of NumPy arrays"));
  EXPECT_THAT(refusal_of("a/b/models/model.json"),
              EndsWith("expected an archive of torch.export, which has models/model.json in its one top folder; found "
                       "that file as \"a/b/models/model.json\""));
}

TEST_F(ExportedProgramTest, RefusesDeepJson) {
  Json deep = 1;
  for (int i = 0; i < 70; ++i) deep = Json::array({deep});
  model_["more"] = deep;
  EXPECT_THAT(refusal(), HasSubstr("found"));
}

/// Calls `visit` for every value in `json`, which it may replace.
void for_each(Json& json, const std::function<void(Json&)>& visit) {
  visit(json);
  if (!json.is_structured()) return;
  for (auto& element : json) for_each(element, visit);
}

/// Each value of the JSON texts is replaced by values of all kinds: the program is read, or refused with one line.
TEST_F(ExportedProgramTest, WrongValuesAreRefusedOrHarmless) {
  const std::vector<Json> replacements = {nullptr,
                                          true,
                                          -1,
                                          std::numeric_limits<std::uint64_t>::max(),
                                          1.5,
                                          "",
                                          "bias",
                                          "a\nb",
                                          Json::array(),
                                          Json::object(),
                                          Json::array({1}),
                                          {{"as_int", 7}}};
  std::size_t refused = 0, tried = 0;
  for (Json* text : {&model_, &weights_}) {
    for_each(*text, [&](Json& value) {
      Json whole = std::move(value);
      for (const Json& replacement : replacements) {
        value = replacement;
        refused += refusal().empty() ? 0 : 1;
        ++tried;
      }
      value = std::move(whole);
    });
  }
  EXPECT_GT(refused, tried / 2);
}

TEST_F(ExportedProgramTest, DamagedJsonIsRefused) {
  const std::string text = model_.dump();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THROW(JsonView::parse(text.substr(0, length), "x", 64, 10'000), RunError) << length;
  }
  EXPECT_THROW(JsonView::parse("{\"a\": 1, \"a\": 2}", "x", 64, 100), RunError);
  EXPECT_THROW(JsonView::parse("{\"a\": \"\xff\"}", "x", 64, 100), RunError);
  EXPECT_THROW(JsonView::parse("{\"a\": [1, 2, 3]}", "x", 64, 3), RunError);
}

TEST(SourceLineTest, PrefersTheUsersFrame) {
  EXPECT_EQ(source_line(""), "");
  EXPECT_EQ(source_line("File \"torch/fx/passes/x.py\", line 24, in insert"), "x.py:24");
  EXPECT_EQ(source_line("File \"a/net.py\", line 3, in f\n  File \"/v/site-packages/torch/nn/n.py\", line 4, in g"),
            "net.py:3");
  EXPECT_EQ(source_line("File \"a"), "");
  EXPECT_EQ(source_line("File \"a\", line "), "a:");
}

}  // namespace
}  // namespace runnel
