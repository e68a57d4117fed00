// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/pass_error.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <new>
#include <string>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/compute/evaluation.h"
#include "trainer/compute/gradient_computer.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/run/failure.h"
#include "trainer/run/registry.h"
#include "trainer/torch/torch_error.h"

namespace runnel {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Digits from 0 to 9, and a model of five classes.
class PassErrorTest : public testing::Test {
 protected:
  static std::string refusal_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      return error.what();
    }
    return "no error";
  }

  static IdxDataset load_data() {
    const test::TemporaryFolder folder;
    test::write_idx_folder(folder.path(), 20, 20);
    return IdxDataset({.folder = folder.path(), .split = Split::train});
  }

  Config config_ = parse_config(
      "[model]\nname = \"mlp\"\noptions = { hidden = [], outputs = 5 }\n[objective]\nname = \"cross_entropy\"\n"
      "[trainer]\nbatch_size = 20\n",
      "test.toml");
  IdxDataset data_ = load_data();
  TrainedModel model_ = Registry().make_model(config_);
};

TEST_F(PassErrorTest, ATargetThatIsNoClassEndsTrainingWithItsStep) {
  const BucketLayout layout(model_.tensors().shapes(), kBlockBytes);
  std::vector<float> parameters(layout.float_count());
  std::vector<float> gradients(layout.float_count());
  write_initial_parameters(model_.tensors(), layout, parameters);
  const RunPlan plan({.samples = 20, .seats = 1, .batch_size = 20, .max_epochs = 1});
  TrainingBatches batches(data_, plan, config_, {}, c10::kCPU);
  GradientComputer computer(model_, batches, config_, 0);
  EXPECT_THAT(
      refusal_of([&] {
        computer.compute(0, {layout, parameters}, {layout, gradients});
      }),
      AllOf(HasSubstr("model 'mlp' with objective 'cross_entropy' and data set 'mnist' cannot compute step 1: "),
            HasSubstr("is out of bounds"), HasSubstr("; a target is none of the classes that the model gives")));
}

TEST_F(PassErrorTest, ATargetThatIsNoClassEndsATestWithItsSamples) {
  const auto test = [&] { evaluate(model_, data_, {.first = 0, .count = 20}, config_, [] { return true; }); };
  EXPECT_THAT(refusal_of(test), HasSubstr("cannot compute test samples from 0 on: "));
}

/// A table of which a pass reads some rows.
class Table final : public Model {
 public:
  std::vector<NamedTensor> parameters() override { return {{"table", table_}}; }
  void set_training(bool) override {}
  std::vector<at::Tensor> forward(const Batch&) override {
    return {at::embedding(table_, at::arange(2), /*padding_idx=*/-1, /*scale_grad_by_freq=*/false, /*sparse=*/true)};
  }

 private:
  at::Tensor table_ = at::randn({5, 3}).requires_grad_();
};

TEST(TrainingStepErrors, ASparseGradientIsRefusedByName) {
  Table model;
  TrainedTensors tensors(model, c10::kCPU, /*exchanges_buffers=*/false);
  const BucketLayout layout(tensors.shapes(), kBlockBytes);
  const OwnedArena values(layout, c10::kCPU);
  const OwnedArena places(layout, c10::kCPU);
  TrainingStep step(tensors, values.arena, places.arena, nullptr);
  const at::Tensor loss = model.forward({}).front().sum();
  step.end_forward();
  try {
    loss.backward();
    ADD_FAILURE() << "no error";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("\"table\" is sparse"), HasSubstr("sparse=False")));
  }
}

TEST(MakePass, SaysWhatToDoAboutWhatLibTorchReports) {
  const auto refusal = [](const std::function<void()>& pass) -> std::string {
    try {
      make_pass(pass, "model", "step 1");
    } catch (const RunError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal([] { at::embedding(at::randn({5, 3}), at::arange(7)); }), HasSubstr("model.options.vocabulary"));
  EXPECT_THAT(refusal([] { at::mm(at::arange(6).view({2, 3}), at::randn({3, 4})); }), HasSubstr("set cast.NAME"));
}

TEST(MakePass, LeavesErrorsOfMemoryWhatTheyAre) {
  const auto pass = [] { at::empty({std::numeric_limits<std::int64_t>::max() / 64}); };
  try {
    make_pass(pass, "model", "step 1");
    ADD_FAILURE() << "no error";
  } catch (const c10::Error& error) {
    EXPECT_TRUE(is_out_of_memory(error)) << error.what();
    EXPECT_EQ(log_failure(error), ExitStatus::os_limit);
  }
  EXPECT_THAT(failure_line(std::bad_alloc()), testing::StartsWith("out of memory; use a smaller model"));
  EXPECT_EQ(log_failure(std::bad_alloc()), ExitStatus::os_limit);
}

}  // namespace
}  // namespace runnel
