// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/objectives.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

std::unique_ptr<Objective> make(const std::string& name, const std::string& options) {
  return Registry().make_objective(
      parse_config("[objective]\nname = \"" + name + "\"\noptions = { " + options + " }", "test.toml"));
}

at::Tensor classes(const std::vector<std::int64_t>& values) {
  return at::tensor(at::ArrayRef<std::int64_t>(values));
}

Score score_of(Objective& objective, const at::Tensor& output, const Batch& batch) {
  Score score;
  objective.add_to(score, std::vector{output}, batch);
  return score;
}

TEST(Classification, CountsNoIgnoredTarget) {
  const auto objective = make("cross_entropy", "ignore_index = 7, metrics = [\"accuracy\", \"perplexity\"]");
  const at::Tensor scores = at::tensor({0.0F, 2.0F, 1.0F, 3.0F, 0.0F, 0.0F, 1.0F, 0.0F, 2.0F}).view({3, 3});
  const Batch batch{{at::zeros({3}), classes({1, 7, 0})}};
  const double mean = at::cross_entropy_loss(scores.index_select(0, classes({0, 2})), classes({1, 0})).item<double>();
  EXPECT_NEAR(objective->loss(std::vector{scores}, batch).item<double>(), mean, 1e-6);
  const Score score = score_of(*objective, scores, batch);
  EXPECT_EQ(score.loss.count, 2);
  EXPECT_NEAR(score.loss.mean(), mean, 1e-6);
  EXPECT_EQ(score.metrics[0], (Score::Sum{.sum = 1, .count = 2}));
  EXPECT_NEAR(objective->metric(1, score.metrics[1]), std::exp(mean), 1e-5);
}

TEST(Classification, IsNaNWithAGradientOfZerosWhereEverythingIsIgnored) {
  const at::Tensor scores = at::rand({2, 3}).neg().requires_grad_();
  const Batch batch{{at::zeros({2}), classes({-100, -100})}};
  for (const char* name : {"cross_entropy", "nll"}) {
    const auto objective = make(name, "");
    const at::Tensor loss = objective->loss(std::vector{scores}, batch);
    EXPECT_TRUE(std::isnan(loss.item<double>())) << name;
    loss.backward();
    EXPECT_TRUE(scores.grad().equal(at::zeros({2, 3}))) << name;
    EXPECT_EQ(score_of(*objective, scores.detach(), batch).loss, Score::Sum()) << name;
  }
}

/// The loss of other scores has no lower limit, and training would go on.
TEST(Classification, NllTakesLogProbabilitiesOnly) {
  const Batch batch{{at::zeros({2}), classes({0, 2})}};
  const at::Tensor scores = at::tensor({0.0F, 1.5F, -1.0F, 0.0F, 0.0F, 0.5F}).view({2, 3});
  try {
    make("nll", "")->loss(std::vector{scores}, batch);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_STREQ(error.what(),
                 "key 'objective.name': nll expects log-probabilities, which are not above 0, found 1.500000; for "
                 "scores choose objective.name = \"cross_entropy\"");
  }
  EXPECT_NO_THROW(make("nll", "")->loss(std::vector{scores.log_softmax(1)}, batch));
  EXPECT_NO_THROW(make("cross_entropy", "")->loss(std::vector{scores}, batch));
}

TEST(Objectives, NeedAnOutput) {
  const Batch batch{{at::zeros({2}), at::zeros({2})}};
  for (const char* name : {"cross_entropy", "mse", "bce_with_logits", "output"}) {
    EXPECT_THROW(make(name, "")->loss({}, batch), RunError) << name;
    EXPECT_THROW(make(name, "")->loss(std::vector{at::Tensor()}, batch), RunError) << name;
  }
}

/// With smoothing s the target is 1 - s for the class, and s spread over all classes.
TEST(Classification, SmoothsLabels) {
  const at::Tensor scores = at::tensor({0.0F, 1.0F, 3.0F}).view({1, 3});
  const Batch batch{{at::zeros({1}), classes({2})}};
  const at::Tensor logs = scores.log_softmax(1);
  const double expected = -0.9 * logs[0][2].item<double>() - 0.1 * logs.mean().item<double>();
  const auto objective = make("cross_entropy", "label_smoothing = 0.1");
  EXPECT_NEAR(objective->loss(std::vector{scores}, batch).item<double>(), expected, 1e-6);
}

TEST(Classification, TakesClassesInTheLastDimension) {
  const at::Tensor scores = at::randn({2, 3, 4});
  const Batch batch{{at::zeros({2}), classes({0, 1, 2, 3, 0, 1}).view({2, 3})}};
  const auto last = make("cross_entropy", "classes = \"last\"");
  const auto second = make("cross_entropy", "");
  const at::Tensor moved = scores.movedim(-1, 1);
  EXPECT_EQ(last->loss(std::vector{scores}, batch).item<float>(),
            second->loss(std::vector{moved}, batch).item<float>());
  EXPECT_EQ(score_of(*last, scores, batch), score_of(*second, moved, batch));
  EXPECT_EQ(score_of(*last, scores, batch).loss.count, 6);
  EXPECT_THROW(second->loss(std::vector{scores}, batch), RunError);
}

TEST(Classification, Top5IsAmongTheFiveHighest) {
  const auto objective = make("nll", "metrics = [\"top5\"]");
  const at::Tensor scores = at::arange(7, at::kFloat).expand({3, 7});
  const Batch batch{{at::zeros({3}), classes({6, 2, 1})}};
  EXPECT_EQ(score_of(*objective, scores, batch).metrics[0], (Score::Sum{.sum = 2, .count = 3}));
}

/// As classes -1 and 1, for which the loss has no lower limit.
TEST(BinaryClassification, TakesTargetsFromZeroToOne) {
  const at::Tensor scores = at::tensor({2.0F, -1.0F, 3.0F});
  const auto loss = [&](const at::Tensor& target) {
    make("bce_with_logits", "")->loss(std::vector{scores}, Batch{{at::zeros({3}), target}});
  };
  try {
    loss(classes({1, -1, 1}));
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_STREQ(error.what(),
                 "key 'objective.name': bce_with_logits expects targets from 0 to 1, found -1.000000; compare the "
                 "range that `runnel inspect` prints");
  }
  EXPECT_THROW(loss(at::tensor({1.0F, 2.0F, 0.0F})), RunError);
  EXPECT_NO_THROW(loss(at::tensor({1.0F, 0.25F, 0.0F})));
}

TEST(BinaryClassification, ComputesLossAndAccuracy) {
  const auto objective = make("bce_with_logits", "");
  const at::Tensor scores = at::tensor({2.0F, -1.0F, 3.0F});
  const Batch batch{{at::zeros({3}), at::tensor({1.0F, 1.0F, 0.0F})}};
  const double expected = (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(1.0)) + std::log1p(std::exp(3.0))) / 3;
  EXPECT_NEAR(objective->loss(std::vector{scores}, batch).item<double>(), expected, 1e-6);
  const Score score = score_of(*objective, scores, batch);
  EXPECT_NEAR(score.loss.mean(), expected, 1e-6);
  EXPECT_EQ(score.metrics[0], (Score::Sum{.sum = 1, .count = 3}));
}

TEST(OutputLoss, WeighsBatchesByTheirSamples) {
  const auto objective = make("output", "");
  const Batch batch{{at::zeros({4, 2})}};
  EXPECT_EQ(objective->loss(std::vector{at::full({1}, 3.0)}, batch).dim(), 0);
  EXPECT_EQ(score_of(*objective, at::full({}, 3.0), batch).loss, (Score::Sum{.sum = 12, .count = 4}));
  EXPECT_THROW(objective->loss(std::vector{at::zeros({4})}, batch), RunError);
}

TEST(Regression, MeasuresMaeAndRmse) {
  const Batch batch{{at::zeros({3}), at::tensor({1.0F, 1.0F, 1.0F})}};
  const at::Tensor output = at::tensor({1.0F, 2.0F, 5.0F});
  for (const char* name : {"mse", "l1"}) {
    const auto objective = make(name, "metrics = [\"mae\", \"rmse\"]");
    const Score score = score_of(*objective, output, batch);
    EXPECT_NEAR(score.loss.mean(), name == std::string("l1") ? 5.0 / 3 : 17.0 / 3, 1e-6);
    EXPECT_NEAR(objective->metric(0, score.metrics[0]), 5.0 / 3, 1e-6);
    EXPECT_NEAR(objective->metric(1, score.metrics[1]), std::sqrt(17.0 / 3), 1e-6);
  }
}

TEST(Regression, TakesAColumnForOneOutput) {
  const OptionTable none;
  const auto mse = make_mse(Options(none, "objective.options"));
  const at::Tensor output = at::tensor({1.0F, 2.0F, 5.0F}).view({3, 1});
  const Batch batch{{at::zeros({3}), at::tensor({1.0F, 1.0F, 1.0F})}};
  EXPECT_FLOAT_EQ(mse->loss(std::vector{output}, batch).item<float>(), 17.0F / 3);
  Score score;
  mse->add_to(score, std::vector{output}, batch);
  EXPECT_EQ(score.loss.count, 3);
}

TEST(Regression, RefusesShapesThatWouldBeBroadcast) {
  const OptionTable none;
  const auto mse = make_mse(Options(none, "objective.options"));
  const Batch batch{{at::zeros({3}), at::zeros({3})}};
  for (const at::Tensor& output : {at::zeros({3, 3}), at::zeros({1, 3}), at::zeros({3, 1, 1})}) {
    EXPECT_THROW(mse->loss(std::vector{output}, batch), RunError) << output.sizes();
  }
}

}  // namespace
}  // namespace runnel
