// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/torchscript_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <random>
#include <string>

#include "runtime/base/run_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/model/fixture_models.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {
namespace {

using test::Bytes;
using test::names;
using test::pass;
using testing::EndsWith;
using testing::HasSubstr;

std::filesystem::path fixture(const std::string& name) {
  return RUNNEL_FIXTURE_FOLDER "/scripted_" + name + ".pt";
}

/// The one-line error of `call`; empty without one.
template <class Call>
std::string error_of(ExitStatus status, const Call& call) {
  try {
    call();
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
}

class TorchScriptModelTest : public testing::Test {
 protected:
  /// Saved with one parameter, "weight", and `forward` of this body.
  TorchScriptModel model_of(const std::string& body, const std::string& arguments = "x") {
    return saved(module_of(body, arguments));
  }

  /// It also has a buffer, "mean".
  static torch::jit::Module module_of(const std::string& body, const std::string& arguments = "x") {
    torch::jit::Module module("Net");
    module.register_parameter("weight", torch::ones({3}), /*is_buffer=*/false);
    module.register_buffer("mean", torch::zeros({3}));
    module.register_attribute("training", c10::BoolType::get(), true);
    module.define("def forward(self, " + arguments + "):\n  " + body + "\n");
    return module;
  }

  TorchScriptModel saved(const torch::jit::Module& module) {
    module.save(file_.string());
    return TorchScriptModel(file_);
  }

  std::string refusal_of(const Bytes& bytes) {
    std::filesystem::remove(file_);  // some file systems write a file to the disk when it is overwritten
    test::write_bytes(file_, bytes);
    return error_of(ExitStatus::bad_data, [&] { TorchScriptModel{file_}; });
  }

  std::string failure_of(const std::string& body, const at::Tensor& input = torch::ones({2, 3})) {
    TorchScriptModel model = model_of(body);
    return error_of(ExitStatus::bad_data, [&] { pass(model, input); });
  }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "net.pt";
};

TEST_F(TorchScriptModelTest, NamesBuffers) {
  TorchScriptModel model(fixture("batch_norm"));
  EXPECT_THAT(names(model.buffers()),
              testing::UnorderedElementsAre("norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
                                            "norm2.running_mean", "norm2.running_var", "norm2.num_batches_tracked",
                                            "passes", "scale"));
}

TEST_F(TorchScriptModelTest, TakesTheFirstFieldsAndGivesTuplesApart) {
  TorchScriptModel model = model_of("return a + b * self.weight, b", "a, b");
  const at::Tensor one = torch::ones({3}), two = torch::full({3}, 2.0);
  const std::vector<at::Tensor> outputs = model.forward({{one, two, torch::zeros({1})}});
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_TRUE(outputs[0].equal(torch::full({3}, 3.0)));
  EXPECT_TRUE(outputs[1].equal(two));
  EXPECT_THAT(error_of(ExitStatus::bad_configuration, [&] { model.forward({{one}}); }),
              EndsWith("net.pt: forward takes 2 tensors, the batch has 1"));
}

TEST_F(TorchScriptModelTest, SwitchesTraining) {
  TorchScriptModel model = model_of("return x + (1 if self.training else 0) * self.weight");
  const at::Tensor input = torch::zeros({3});
  EXPECT_EQ(pass(model, input).sum().item<double>(), 3);
  model.set_training(false);
  EXPECT_EQ(pass(model, input).sum().item<double>(), 0);
}

/// As a frozen BatchNorm is saved.
TEST_F(TorchScriptModelTest, KeepsAModuleInEvaluationThere) {
  const auto sum_of = [&](bool training, bool inner_training) {
    torch::jit::Module inner("Inner");
    inner.register_attribute("training", c10::BoolType::get(), inner_training);
    inner.define("def forward(self, x):\n  return x + (10 if self.training else 0)\n");
    torch::jit::Module module("Outer");
    module.register_parameter("weight", torch::ones({3}), /*is_buffer=*/false);
    module.register_attribute("training", c10::BoolType::get(), training);
    module.register_module("inner", inner);
    module.define(
        "def forward(self, x):\n  return self.inner.forward(x) + (1 if self.training else 0) * self.weight\n");
    TorchScriptModel model = saved(module);
    model.set_training(false);
    EXPECT_EQ(pass(model, torch::zeros({3})).sum().item<double>(), 0);
    model.set_training(true);
    return pass(model, torch::zeros({3})).sum().item<double>();
  };
  EXPECT_EQ(sum_of(true, true), 33);
  EXPECT_EQ(sum_of(true, false), 3);
  EXPECT_EQ(sum_of(false, false), 33);
}

TEST_F(TorchScriptModelTest, NamesTheSourceOfAnOperationThatFails) {
  TorchScriptModel model(fixture("transformer"));
  const auto beyond = [&] { pass(model, torch::full({2, 8}, 77, at::kLong)); };
  EXPECT_THAT(error_of(ExitStatus::bad_data, beyond),
              EndsWith("scripted_transformer.pt: forward (make_fixtures.py:74): index out of range in self"));
}

TEST_F(TorchScriptModelTest, TellsWhatTheScriptRaised) {
  TorchScriptModel model(fixture("raise"));
  EXPECT_THAT(error_of(ExitStatus::bad_data,
                       [&] {
                         pass(model, torch::ones({2, 3}));
                       }),
              EndsWith("scripted_raise.pt: forward (make_scripts.py:28): builtins.ValueError: no matrix,"));
  EXPECT_THAT(failure_of("assert x.size(0) != 2, \"two\"\n  return x + self.weight"), HasSubstr("AssertionError: two"));
  EXPECT_THAT(failure_of("return x + self.weight", torch::ones({2, 4})),
              HasSubstr("The size of tensor a (4) must match the size of tensor b (3)"));
}

TEST_F(TorchScriptModelTest, RefusesWritesToParameters) {
  EXPECT_THAT(failure_of("w = self.weight.detach()\n  w.mul_(2)\n  return x + self.weight"),
              EndsWith("net.pt: forward writes to the parameter \"weight\"; supported are buffers"));
}

/// Which LibTorch counts no version for.
TEST_F(TorchScriptModelTest, RefusesWritesToTheDataOfParameters) {
  const std::string refusal = "net.pt: forward writes to the parameter \"weight\"; supported are buffers";
  EXPECT_THAT(failure_of("self.weight.data.mul_(2)\n  return x + self.weight"), EndsWith(refusal));
  EXPECT_THAT(failure_of("self.weight.data[0] = 2.0\n  return x + self.weight"), EndsWith(refusal));
  EXPECT_EQ(failure_of("w = self.weight.data.clone()\n  w.mul_(2)\n  self.mean.add_(1)\n  return x.relu_() + w"), "");
}

/// The same.
TEST_F(TorchScriptModelTest, RefusesParametersAsStatistics) {
  const std::string refusal = "net.pt: forward writes to the parameter \"weight\"; supported are buffers";
  const std::string of_weight = "None, None, self.weight.detach(), torch.ones([3]), ";
  const std::string normalized = "return x * self.weight + torch.batch_norm(x, " + of_weight;
  EXPECT_THAT(failure_of(normalized + "self.training, 0.1, 1e-5, False)"), EndsWith(refusal));
  EXPECT_EQ(failure_of(normalized + "not self.training, 0.1, 1e-5, False)"), "");
  const std::string by_sample = "return x * self.weight + torch.instance_norm(x, " + of_weight;
  EXPECT_THAT(failure_of(by_sample + "self.training, 0.1, 1e-5, False)", torch::ones({2, 3, 3})), EndsWith(refusal));
}

TEST_F(TorchScriptModelTest, UndoesWritesToStatisticsInEvaluation) {
  TorchScriptModel model = model_of(
      "return self.weight * torch.batch_norm(x, None, None, self.mean, torch.ones([3]), not self.training, 0.1, "
      "1e-5, False)");
  model.set_training(false);
  pass(model, torch::ones({2, 3}));
  EXPECT_TRUE(model.buffers().front().tensor.equal(torch::zeros({3})));
}

/// As register_forward_pre_hook and register_forward_hook leave them in a file.
TEST_F(TorchScriptModelTest, RunsTheHooksOfTheFile) {
  torch::jit::Module module = module_of("return x * self.weight");
  module.define(
      "def before(self, input: Tuple[Tensor]) -> Tuple[Tensor]:\n  return (input[0] + 1,)\n"
      "def after(self, input: Tuple[Tensor], output: Tensor) -> Tensor:\n  return output * 10\n");
  const auto type = module.type();
  type->addForwardPreHook(&type->getMethod("before"));
  type->addForwardHook(&type->getMethod("after"));
  for (const char* hook : {"before", "after"}) type->unsafeRemoveMethod(hook);  // a hook is no method
  TorchScriptModel model = saved(module);
  EXPECT_TRUE(pass(model, torch::ones({3})).equal(torch::full({3}, 20.0)));
}

TEST_F(TorchScriptModelTest, RefusesBuffersThatShareMemory) {
  const at::Tensor whole = torch::zeros({6});
  torch::jit::Module module = module_of("return x * self.weight");
  module.register_buffer("first", whole.narrow(0, 0, 4));
  module.register_buffer("second", whole.narrow(0, 3, 3));
  TorchScriptModel model = saved(module);
  EXPECT_THAT(error_of(ExitStatus::bad_configuration, [&] { TrainedTensors(model, c10::kCPU, true); }),
              HasSubstr("'second' shares memory with 'first'"));
}

TEST_F(TorchScriptModelTest, KeepsMemoryErrorsApart) {
  TorchScriptModel model = model_of("return x + torch.zeros([1 << 45, 3])");
  EXPECT_THROW(pass(model, torch::ones({3})), c10::OutOfMemoryError);
}

TEST_F(TorchScriptModelTest, NamesOtherFiles) {
  const std::string expected =
      "net.pt: expected a TorchScript archive, as torch.jit.script and save() write it; found ";
  EXPECT_THAT(refusal_of(test::read_bytes(RUNNEL_FIXTURE_FOLDER "/exported_frozen.pt2")),
              EndsWith(expected + "an archive of torch.export; choose model.name = \"export\""));
  EXPECT_THAT(refusal_of(test::make_zip({{"net/data.pkl", ""}})), HasSubstr(expected + "a pickled file of torch.save"));
  EXPECT_THAT(refusal_of(test::make_zip({{"some", ""}})), EndsWith(expected + "another ZIP archive"));
  const std::string lfs = "version https://git-lfs.github.com/spec/v1";
  EXPECT_THAT(refusal_of(Bytes(lfs.begin(), lfs.end())), HasSubstr("a Git LFS pointer; run git lfs pull"));
  const std::string pickle = "\x80\x02}q";
  EXPECT_THAT(refusal_of(Bytes(pickle.begin(), pickle.end())), HasSubstr("a Python pickle"));
  EXPECT_THAT(error_of(ExitStatus::input_missing, [&] { TorchScriptModel{folder_.path() / "none.pt"}; }),
              HasSubstr("none.pt: cannot be opened"));
}

TEST_F(TorchScriptModelTest, SaysWhatLibTorchCannotLoad) {
  EXPECT_THAT(refusal_of(test::make_zip({{"net/constants.pkl", ""}})), HasSubstr("net.pt: LibTorch cannot load it: "));
}

TEST_F(TorchScriptModelTest, RefusesFilesThatAreCut) {
  const Bytes whole = test::read_bytes(fixture("frozen"));
  EXPECT_EQ(refusal_of(whole), "");
  constexpr std::size_t kLengths = 200;
  for (std::size_t i = 0; i < kLengths; ++i) {
    const auto length = static_cast<std::ptrdiff_t>(whole.size() * i / kLengths);
    EXPECT_NE(refusal_of(Bytes(whole.begin(), whole.begin() + length)), "") << length;
  }
}

TEST_F(TorchScriptModelTest, FlippedBitsAreRefusedOrHarmless) {
  const Bytes whole = test::read_bytes(fixture("frozen"));
  std::size_t refused = 0;
  constexpr unsigned kSeed = 1;
  std::mt19937 random(kSeed);
  for (int i = 0; i < 500; ++i) {
    Bytes bytes = whole;
    const std::size_t place = random() % bytes.size();
    bytes[place] ^= static_cast<unsigned char>(1U << random() % 8);
    refused += refusal_of(bytes).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 200U);
}

}  // namespace
}  // namespace runnel
