// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/weights.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/model/kinds_model.h"

namespace runnel {
namespace {

using test::Process;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class WeightsTest : public testing::Test {
 protected:
  WeightsTest() { config_.model.init = folder_.path() / "start.safetensors"; }

  /// The file of `process`, edited.
  template <class Edit>
  void save(const Process& process, Edit&& edit) {
    save_weights(config_.model.init, process.tensors, process.layout, process.parameters());
    const SafetensorsFile file(config_.model.init);
    std::vector<StoredTensor> tensors = file.tensors();
    edit(tensors);
    write_safetensors(config_.model.init, tensors);
  }
  void save(const Process& process) {
    save(process, [](auto&) {});
  }

  /// What is said when `process` loads it.
  std::string refusal(const Process& process) const {
    try {
      load_weights(config_, process.tensors);
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(config_.model.init));
      return error.what();
    }
    return "nothing";
  }

  test::TemporaryFolder folder_;
  Config config_;
};

StoredTensor& named(std::vector<StoredTensor>& tensors, const std::string& name) {
  return *std::ranges::find(tensors, name, &StoredTensor::name);
}

void remove_named(std::vector<StoredTensor>& tensors, const std::string& name) {
  std::erase_if(tensors, [&](const StoredTensor& one) { return one.name == name; });
}

void expect_equal(const Process& found, const Process& expected) {
  for (const ModelTensor& one : expected.tensors.all()) {
    for (const std::string& name : one.names) EXPECT_TRUE(at::equal(found.value(name), one.tensor)) << name;
  }
}

TEST_F(WeightsTest, HoldEveryNameOfStateDictWithItsType) {
  save(Process(5));
  const SafetensorsFile file(config_.model.init);
  std::vector<std::string> found;
  for (const StoredTensor& one : file.tensors()) found.push_back(one.name + ' ' + std::string(dtype_of(one.type)));
  EXPECT_THAT(found, UnorderedElementsAre("embedding F32", "head F32", "frozen BF16", "bias F32", "mean F32",
                                          "count I64", "precise F64", "flags BOOL"));
}

TEST_F(WeightsTest, GiveAnotherModelAllValues) {
  for (const bool exchanges_buffers : {true, false}) {
    const Process from(5, exchanges_buffers);
    const Process to(0, exchanges_buffers);
    save(from);
    load_weights(config_, to.tensors);
    expect_equal(to, from);
    EXPECT_EQ(to.parameters(), from.parameters());
  }
}

TEST_F(WeightsTest, ComeFromTheExchangeWhereItHasThem) {
  const Process from(5);
  std::vector<float> parameters(from.layout.float_count(), 8.5F);
  save_weights(config_.model.init, from.tensors, from.layout, parameters);
  const Process to(0);
  load_weights(config_, to.tensors);
  for (const char* name : {"head", "bias", "mean"}) {
    EXPECT_TRUE(at::equal(to.value(name), at::full(to.value(name).sizes(), 8.5F))) << name;
  }
  for (const char* name : {"frozen", "count", "precise"}) EXPECT_TRUE(at::equal(to.value(name), from.value(name)));
}

TEST_F(WeightsTest, ATiedTensorNeedsOneOfItsNames) {
  for (const char* name : {"embedding", "head"}) {
    save(Process(5), [&](auto& tensors) { remove_named(tensors, name); });
    const Process to(0);
    load_weights(config_, to.tensors);
    expect_equal(to, Process(5));
  }
  save(Process(5), [&](auto& tensors) {
    remove_named(tensors, "embedding");
    remove_named(tensors, "head");
  });
  EXPECT_THAT(refusal(Process(0)), HasSubstr("\"embedding\" or \"head\" float32 [2, 3] of the model, found none"));
}

TEST_F(WeightsTest, RefuseATiedTensorWithTwoValues) {
  const std::vector<float> other(6);
  save(Process(5), [&](auto& tensors) { named(tensors, "head").bytes = std::as_bytes(std::span(other)); });
  EXPECT_THAT(refusal(Process(0)), HasSubstr("\"embedding\" and \"head\" differ, but in the model they are one"));
}

TEST_F(WeightsTest, AnyOtherTensorMustBeThereUnlessBuffersAreLocal) {
  for (const char* name : {"bias", "frozen", "mean", "count", "precise", "flags"}) {
    save(Process(5), [&](auto& tensors) { remove_named(tensors, name); });
    EXPECT_THAT(refusal(Process(0)), HasSubstr("expected tensor \"" + std::string(name) + '"'));
  }
  config_.model.buffers = BufferRule::local;
  save(Process(5), [](auto& tensors) {
    remove_named(tensors, "mean");
    remove_named(tensors, "count");
  });
  const Process to(0, /*exchanges_buffers=*/false);
  load_weights(config_, to.tensors);
  EXPECT_TRUE(at::equal(to.value("count"), Process(0).value("count")));
  EXPECT_TRUE(at::equal(to.value("precise"), Process(5).value("precise")));
  save(Process(5), [](auto& tensors) { remove_named(tensors, "frozen"); });
  EXPECT_THAT(refusal(to), HasSubstr("expected tensor \"frozen\""));
}

TEST_F(WeightsTest, TypeAndShapeAreTheModels) {
  save(Process(5), [](auto& tensors) { named(tensors, "frozen").type = ElementType::float16; });
  EXPECT_THAT(refusal(Process(0)),
              HasSubstr("tensor \"frozen\": the model has bfloat16 [2], the file has float16 [2]"));
  save(Process(5), [](auto& tensors) { named(tensors, "count").type = ElementType::float64; });
  EXPECT_THAT(refusal(Process(0)), HasSubstr("the model has int64 [], the file has float64 []"));
  save(Process(5), [](auto& tensors) { named(tensors, "head").shape = {3, 2}; });
  EXPECT_THAT(refusal(Process(0)), HasSubstr("the model has float32 [2, 3], the file has float32 [3, 2]"));
}

TEST_F(WeightsTest, AnotherTensorIsNamed) {
  save(Process(5), [](auto& tensors) {
    tensors.push_back(tensors.front());
    tensors.back().name = "tail";
  });
  EXPECT_THAT(refusal(Process(0)), HasSubstr("tensor \"tail\" float32 [3] is not in the model"));
}

TEST_F(WeightsTest, NumbersAreNumbersAndWhatIsTrainedIsFinite) {
  const std::vector<double> infinite = {1, std::numeric_limits<double>::infinity()};
  save(Process(5), [&](auto& tensors) { named(tensors, "precise").bytes = std::as_bytes(std::span(infinite)); });
  const Process to(0);
  load_weights(config_, to.tensors);
  EXPECT_EQ(to.value("precise")[1].item<double>(), infinite[1]);

  const std::vector<double> none = {1, std::numeric_limits<double>::quiet_NaN()};
  save(Process(5), [&](auto& tensors) { named(tensors, "precise").bytes = std::as_bytes(std::span(none)); });
  EXPECT_THAT(refusal(to), HasSubstr("expected finite numbers, found precise[1] = NaN"));
  std::vector<float> large(6);
  large[4] = -std::numeric_limits<float>::infinity();
  save(Process(5), [&](auto& tensors) {
    remove_named(tensors, "embedding");
    named(tensors, "head").bytes = std::as_bytes(std::span(large));
  });
  EXPECT_THAT(refusal(to), HasSubstr("expected finite numbers, found head[1, 1] = infinity"));
}

TEST_F(WeightsTest, APrefixIsNamedAndReadOnRequest) {
  for (const std::string& prefix : std::vector<std::string>{"module.", "_orig_mod.", "module._orig_mod."}) {
    const auto add_prefix = [&](auto& tensors) {
      for (StoredTensor& one : tensors) one.name = prefix + one.name;
    };
    config_.model.init_prefix = "";
    save(Process(5), add_prefix);
    EXPECT_THAT(refusal(Process(0)), HasSubstr("set model.init_prefix = \"" + prefix + "\" to read the names"));
    config_.model.init_prefix = prefix;
    const Process to(0);
    load_weights(config_, to.tensors);
    expect_equal(to, Process(5));

    save(Process(5), [&](auto& tensors) {
      add_prefix(tensors);
      named(tensors, prefix + "bias").name = "bias";
    });
    EXPECT_THAT(refusal(to), HasSubstr("tensor \"bias\": expected a name that begins with \"" + prefix));
    save(Process(5), [&](auto& tensors) {
      add_prefix(tensors);
      remove_named(tensors, prefix + "bias");
    });
    EXPECT_THAT(refusal(to), HasSubstr("expected tensor \"bias\" float32 [3] of the model, found none"));
  }
}

TEST_F(WeightsTest, APrefixIsNamedAlsoWithoutWhatMayBeMissing) {
  config_.model.buffers = BufferRule::local;
  save(Process(5), [](auto& tensors) {
    for (const char* name : {"embedding", "mean", "count", "precise", "flags"}) remove_named(tensors, name);
    for (StoredTensor& one : tensors) one.name = "module." + one.name;
  });
  EXPECT_THAT(refusal(Process(0, /*exchanges_buffers=*/false)),
              HasSubstr("found \"module.head\"; set model.init_prefix = \"module.\" to read the names"));
}

TEST_F(WeightsTest, AMissingFileIsNamedWithItsKey) {
  try {
    load_weights(config_, Process(0).tensors);
    ADD_FAILURE() << "read a file that is not there";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::input_missing);
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory; key 'model.init' names the file to start from"));
  }
}

class OneBuffer final : public Model {
 public:
  explicit OneBuffer(at::Tensor buffer) : buffer_(std::move(buffer)) {}
  std::vector<NamedTensor> parameters() override { return {{"weight", at::zeros({2}).requires_grad_()}}; }
  std::vector<NamedTensor> buffers() override { return {{"odd", buffer_}}; }
  void set_training(bool) override {}
  std::vector<at::Tensor> forward(const Batch&) override { return {}; }

 private:
  at::Tensor buffer_;
};

TEST_F(WeightsTest, ATypeThatNoFileHoldsIsRefusedAtTheStart) {
  OneBuffer model(at::zeros({2}, at::kComplexFloat));
  const TrainedTensors tensors(model, c10::kCPU, true);
  config_.model.init = "";
  EXPECT_NO_THROW(load_weights(config_, tensors));
  config_.run.save = folder_.path() / "end.safetensors";
  try {
    load_weights(config_, tensors);
    ADD_FAILURE() << "accepted complex numbers";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_THAT(error.what(), HasSubstr("tensor \"odd\" is complex64"));
  }
}

}  // namespace
}  // namespace runnel
