// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/sample_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional.h>
#include <torch/nn/modules.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A model of C++: a layer, and what `after` makes of its outputs.
struct OwnNet : torch::nn::Module {
  using After = std::function<at::Tensor(OwnNet& net, at::Tensor output)>;

  explicit OwnNet(After then) : after(std::move(then)) {
    register_module("layer", layer);
    register_module("norm", norm);
    register_module("table", table);
  }

  at::Tensor forward(const at::Tensor& input) { return after(*this, layer->forward(input)); }

  After after;
  torch::nn::Linear layer{4, 3};
  torch::nn::BatchNorm1d norm{3};
  torch::nn::Embedding table{torch::nn::EmbeddingOptions(3, 3).sparse(true)};
};

class SampleCheckTest : public testing::Test {
 protected:
  TrainedModel make(const OwnNet::After& after, std::int64_t batch_size = 8, std::int64_t classes = 3) {
    Registry registry;
    registry.add_model("own", [after](const Registry::ModelPlan&) { return make_module_model<OwnNet>(after); });
    config_ = parse_config(
        "[model]\nname = 'own'\n[objective]\nname = 'cross_entropy'\n[data]\nname = 'synthetic'\noptions = { kind = "
        "'classes', shape = [4], classes = " +
            std::to_string(classes) +
            ", samples = 20, test_samples = 20 }\n[trainer]\nbatch_size = " + std::to_string(batch_size) + "\n",
        "test.toml");
    data_ = registry.make_dataset(config_, Split::train);
    return registry.make_model(config_);
  }

  /// Why a model is refused before a job starts; empty when it is not.
  std::string refusal_of(const OwnNet::After& after, ExitStatus status = ExitStatus::bad_data,
                         std::int64_t batch_size = 8) {
    TrainedModel model = make(after, batch_size);
    try {
      check_training_pass(model, *data_, config_);
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), status);
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      return error.what();
    }
  }

  Config config_;
  std::unique_ptr<Dataset> data_;
};

constexpr const char* kBegin =
    "model 'own' with objective 'cross_entropy' and data set 'synthetic' cannot compute a training pass of the first ";

TEST_F(SampleCheckTest, FindsANormalizationOfOneValue) {
  const auto normalize = [](OwnNet& net, const at::Tensor& output) { return net.norm->forward(output); };
  EXPECT_EQ(refusal_of(normalize), "");
  const std::string refusal = refusal_of(normalize, ExitStatus::bad_data, /*batch_size=*/1);
  EXPECT_THAT(refusal, StartsWith(std::string(kBegin) + "sample: "));
  EXPECT_THAT(refusal, HasSubstr("Expected more than 1 value per channel when training"));
}

TEST_F(SampleCheckTest, FindsWhatBreaksTheBackwardPass) {
  const std::string in_place = refusal_of([](OwnNet&, const at::Tensor& output) {
    const at::Tensor power = output.exp();
    return output.exp_().add_(1) * power;
  });
  EXPECT_THAT(in_place, StartsWith(std::string(kBegin) + "2 samples: "));
  EXPECT_THAT(in_place, HasSubstr("modified by an inplace operation"));
  EXPECT_THAT(refusal_of([](OwnNet&, const at::Tensor& output) { return output.detach(); }),
              HasSubstr("does not require grad"));
  EXPECT_THAT(refusal_of([](OwnNet& net,
                            const at::Tensor& output) { return output + net.table->forward(at::argmax(output, 1)); },
                         ExitStatus::bad_configuration),
              HasSubstr("the gradient of the parameter \"table.weight\" is sparse"));
}

TEST_F(SampleCheckTest, FindsATargetThatIsNoClass) {
  TrainedModel model = make([](OwnNet&, const at::Tensor& output) { return output.narrow(1, 0, 1); });
  try {
    check_training_pass(model, *data_, config_);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("is out of bounds"));
  }
}

TEST_F(SampleCheckTest, LeavesNoTrace) {
  TrainedModel model = make([](OwnNet& net, const at::Tensor& output) {
    return at::dropout(net.norm->forward(output), 0.5, net.is_training());
  });
  std::vector<at::Tensor> before;
  for (const ModelTensor& one : model.tensors().all()) before.push_back(one.tensor.detach().clone());
  at::manual_seed(7);
  const at::Tensor drawn = at::rand({4});
  at::manual_seed(7);
  check_training_pass(model, *data_, config_);
  EXPECT_TRUE(at::rand({4}).equal(drawn));
  for (std::size_t i = 0; i < before.size(); ++i) {
    const ModelTensor& one = model.tensors().all()[i];
    EXPECT_TRUE(one.tensor.equal(before[i])) << one.names.front();
    EXPECT_FALSE(one.tensor.grad().defined()) << one.names.front();
  }
}

}  // namespace
}  // namespace runnel
