// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/trained_tensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class AnyModel final : public Model {
 public:
  explicit AnyModel(std::vector<NamedTensor> parameters, std::vector<NamedTensor> buffers = {})
      : parameters_(std::move(parameters)), buffers_(std::move(buffers)) {}

  std::vector<NamedTensor> parameters() override { return parameters_; }
  std::vector<NamedTensor> buffers() override { return buffers_; }
  void set_training(bool) override {}
  std::vector<at::Tensor> forward(const Batch&) override { return {}; }

 private:
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;
};

at::Tensor trainable(at::IntArrayRef shape = {2, 3}, at::ScalarType type = at::kFloat) {
  return at::ones(shape, type).requires_grad_();
}

std::vector<std::string> names_of(const TrainedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& tensor : tensors.shapes()) names.push_back(tensor.name);
  return names;
}

/// What is said about a model with a good parameter and `bad`.
std::string refusal_of(const at::Tensor& bad, const at::Tensor& good = trainable()) {
  AnyModel model({{"good", good}, {"layer.bad", bad}});
  try {
    const TrainedTensors tensors(model, c10::kCPU, true);
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
  return "nothing";
}

TEST(TrainedTensors, TwoNamesOfOneTensorAreOneParameter) {
  const at::Tensor shared = trainable();
  AnyModel model({{"embedding.weight", shared}, {"head.bias", trainable({2})}, {"head.weight", shared}});
  const TrainedTensors tensors(model, c10::kCPU, true);
  EXPECT_THAT(names_of(tensors), ElementsAre("embedding.weight", "head.bias"));
  EXPECT_EQ(tensors.index_of(shared.unsafeGetTensorImpl()), 0U);
}

TEST(TrainedTensors, KnowsNoOtherTensor) {
  AnyModel model({{"weight", trainable()}});
  const TrainedTensors tensors(model, c10::kCPU, true);
  EXPECT_FALSE(tensors.index_of(trainable().unsafeGetTensorImpl()));
}

TEST(TrainedTensors, RefusesByNameWhatCannotBeTrained) {
  EXPECT_THAT(refusal_of(trainable({2}, at::kDouble)), AllOf(HasSubstr("'layer.bad'"), HasSubstr("of type float64")));
  EXPECT_THAT(refusal_of(trainable({2}, at::kHalf)), AllOf(HasSubstr("'layer.bad'"), HasSubstr("of type float16")));
  EXPECT_THAT(refusal_of(at::ones({2, 2}).to_sparse().requires_grad_()),
              AllOf(HasSubstr("'layer.bad'"), HasSubstr("is sparse")));
  EXPECT_THAT(refusal_of(trainable() * 2), AllOf(HasSubstr("'layer.bad'"), HasSubstr("result of a computation")));
  EXPECT_THAT(refusal_of(trainable({0})), AllOf(HasSubstr("'layer.bad'"), HasSubstr("no elements")));
}

TEST(TrainedTensors, RefusesSharedMemoryWithBothNames) {
  const at::Tensor good = trainable();
  EXPECT_THAT(refusal_of(good.detach().view({6}).requires_grad_(), good),
              HasSubstr("'layer.bad' shares memory with 'good'"));
  EXPECT_THAT(refusal_of(good.detach().view({6}), good), HasSubstr("'layer.bad' shares memory with 'good'"));
  AnyModel model({{"good", good}}, {{"view", good.detach().view({6})}});
  EXPECT_THROW(TrainedTensors(model, c10::kCPU, false), RunError);
}

TEST(TrainedTensors, RefusesBuffersThatShareMemory) {
  const at::Tensor whole = at::zeros({6});
  const auto refusal = [&](const at::Tensor& frozen, const std::vector<NamedTensor>& buffers) -> std::string {
    AnyModel model({{"weight", trainable()}, {"frozen", frozen}}, buffers);
    try {
      const TrainedTensors tensors(model, c10::kCPU, true);
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      return error.what();
    }
  };
  const at::Tensor own = at::zeros({2});
  EXPECT_EQ(refusal(own, {{"a", whole}, {"b", whole}}), "");  // one tensor
  EXPECT_EQ(refusal(own, {{"a", whole.narrow(0, 0, 3)}, {"b", whole.narrow(0, 3, 3)}}), "");
  EXPECT_THAT(refusal(own, {{"a", whole.narrow(0, 0, 4)}, {"b", whole.narrow(0, 3, 3)}}),
              HasSubstr("'b' shares memory with 'a'"));
  EXPECT_THAT(refusal(own, {{"a", whole}, {"b", whole.view({2, 3})}}), HasSubstr("shares memory with"));
  EXPECT_THAT(refusal(whole.narrow(0, 1, 2), {{"a", whole}}), HasSubstr("'frozen' shares memory with 'a'"));
}

/// 50 000 tensors: some seconds where the time grows with the square.
TEST(TrainedTensors, TakesManyTensors) {
  std::vector<NamedTensor> parameters, buffers;
  for (int i = 0; i < 25'000; ++i) {
    parameters.push_back({"weight" + std::to_string(i), trainable({1})});
    buffers.push_back({"mean" + std::to_string(i), at::zeros({1})});
  }
  AnyModel model(std::move(parameters), std::move(buffers));
  const TrainedTensors tensors(model, c10::kCPU, true);
  EXPECT_EQ(tensors.all().size(), 50'000U);
  const BucketLayout layout(tensors.shapes(), kBlockBytes);
  EXPECT_EQ(layout.element_name(24'999), "weight24999[0]");
}

/// Of 5 GiB: sizes and places have 64 bits. Nothing is allocated.
TEST(TrainedTensors, ATensorMayHaveMoreThan4GiB) {
  constexpr std::size_t kBucketBytes = 1 << 20;
  constexpr std::int64_t kFloats = 5LL << 28;
  const BucketLayout layout({{"first", {3}}, {"large", {5, 1 << 28}}, {"last", {7}}}, kBucketBytes);
  EXPECT_EQ(layout.tensors()[2].bytes.begin, (3 + kFloats) * sizeof(float));
  EXPECT_EQ(layout.float_count(), static_cast<std::size_t>(kFloats) + 10);
  EXPECT_EQ(layout.element_name(static_cast<std::size_t>(kFloats) + 2), "large[4, 268435455]");
  EXPECT_EQ(layout.bucket(layout.bucket_count() - 1).end, layout.bytes());
}

TEST(TrainedTensors, LeavesFrozenParametersAlone) {
  AnyModel model({{"frozen", at::ones({2}, at::kDouble)}, {"weight", trainable()}});
  const TrainedTensors tensors(model, c10::kCPU, true);
  EXPECT_THAT(names_of(tensors), ElementsAre("weight"));
}

TEST(TrainedTensors, RefusesAModelThatTrainsNothing) {
  AnyModel model({{"frozen", at::ones({2})}}, {{"mean", at::zeros({2})}});
  EXPECT_THROW(TrainedTensors(model, c10::kCPU, true), RunError);
}

TEST(TrainedTensors, FloatBuffersFollowWithTheRuleAverage) {
  AnyModel model({{"weight", trainable()}},
                 {{"mean", at::zeros({2})}, {"batches", at::zeros({}, at::kLong)}, {"none", at::zeros({0})}});
  const TrainedTensors tensors(model, c10::kCPU, /*exchanges_buffers=*/true);
  EXPECT_THAT(names_of(tensors), ElementsAre("weight", "mean"));
  EXPECT_EQ(tensors.shapes()[0].rule, BucketLayout::Tensor().rule);
  EXPECT_EQ(tensors.shapes()[1].rule, TensorRule::average);
}

TEST(TrainedTensors, KnowsAllTensorsWithTheirNamesAndPlaces) {
  const at::Tensor tied = trainable();
  const at::Tensor mean = at::zeros({2});
  AnyModel model({{"head", tied}, {"frozen", at::ones({2}, at::kDouble)}, {"tail", tied}, {"bias", trainable({2})}},
                 {{"count", at::zeros({}, at::kLong)}, {"mean", mean}, {"same_mean", mean}});
  const TrainedTensors tensors(model, c10::kCPU, /*exchanges_buffers=*/true);
  EXPECT_THAT(names_of(tensors), ElementsAre("head", "bias", "mean"));
  std::vector<std::string> found;
  for (const ModelTensor& one : tensors.all()) {
    const std::string place = one.place ? std::to_string(*one.place) : "none";
    found.push_back(joined(one.names, "=") + (one.is_buffer ? " buffer " : " parameter ") + place);
  }
  EXPECT_THAT(found, ElementsAre("head=tail parameter 0", "frozen parameter none", "bias parameter 1",
                                 "count buffer none", "mean=same_mean buffer 2"));
}

TEST(TrainedTensors, BuffersStayOutWhereTheyAreNotExchanged) {
  AnyModel model({{"weight", trainable()}}, {{"mean", at::zeros({2})}});
  const TrainedTensors tensors(model, c10::kCPU, /*exchanges_buffers=*/false);
  EXPECT_THAT(names_of(tensors), ElementsAre("weight"));
}

}  // namespace
}  // namespace runnel
