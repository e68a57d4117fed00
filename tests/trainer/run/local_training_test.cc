// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/local_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/fabric/job_layout.h"
#include "runtime/telemetry/finite_guard.h"
#include "tests/support/strict_log.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/weights.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;

class LocalTrainingTest : public testing::Test {
 protected:
  LocalTrainingTest() {
    write_idx_folder(folder_.path(), 50, 20);
    config_.data.path = folder_.path();
    config_.trainer.count = 1;
    config_.trainer.device = {DeviceName::cpu()};
    config_.trainer.batch_size = 16;
    config_.trainer.test_batch_size = 8;
    config_.run.max_epochs = 2;
    config_.run.max_gradients = 0;
  }
  ~LocalTrainingTest() override { std::fclose(out_); }

  RunReport train(bool dry_run = false) {
    RunAccount account(config_, {});
    train_alone(
        config_, registry_, {.dry_run = dry_run, .out = out_}, [this] { return asked_++ < patience_; }, account);
    return account.report();
  }

  TemporaryFolder folder_;
  Config config_;
  Registry registry_;
  std::FILE* out_ = std::tmpfile();
  int asked_ = 0;
  int patience_ = 1000;
};

TEST_F(LocalTrainingTest, ReportsWhatItDid) {
  const RunReport report = train();
  EXPECT_EQ(report.steps, 8);
  EXPECT_EQ(report.gradients, 8);
  EXPECT_EQ(report.epochs, 2);
  EXPECT_EQ(report.loss.size(), 8U);
  EXPECT_EQ(report.test.samples, 20);
  ASSERT_EQ(report.test.metrics.size(), 1U);
  EXPECT_EQ(report.test.metrics[0].name, "accuracy");
  EXPECT_EQ(report.test.metrics[0].count, 20);
  EXPECT_EQ(report.test.metrics[0].value, report.test.metrics[0].sum / 20);
  EXPECT_GT(report.samples_per_second, 0);
  EXPECT_GT(report.step_ms.min, report.exchange_ms.min);
  EXPECT_GT(report.data_ms.min, 0);
  EXPECT_LT(report.data_ms.min, report.step_ms.p99);
  EXPECT_GE(report.seconds.total, report.seconds.train + report.seconds.test);
  EXPECT_EQ(report.bytes.staged, 0U);
  EXPECT_EQ(report.parameters_sha256.size(), 64U);
  ASSERT_EQ(report.processes.size(), 1U);
  EXPECT_EQ(report.processes[0].device, "cpu");
}

TEST_F(LocalTrainingTest, CountsTheGradientsOfSeatGradients) {
  config_.trainer.seats = 4;
  config_.trainer.batch_size = 10;
  const RunReport report = train();
  EXPECT_EQ(report.steps, 4);  // shares of 13 and 12 samples
  EXPECT_EQ(report.gradients, 16);
}

TEST_F(LocalTrainingTest, IsRepeatableBitForBit) {
  const std::string first = train().parameters_sha256;
  EXPECT_EQ(train().parameters_sha256, first);
  config_.run.seed = 2;
  EXPECT_NE(train().parameters_sha256, first);
}

TEST_F(LocalTrainingTest, ReadingAheadChangesNoBit) {
  config_.data.prefetch = 0;
  const RunReport expected = train();
  for (const std::int64_t prefetch : {1, 2, 8}) {
    config_.data.prefetch = prefetch;
    const RunReport report = train();
    EXPECT_EQ(report.parameters_sha256, expected.parameters_sha256) << prefetch;
    EXPECT_EQ(report.loss, expected.loss) << prefetch;
    EXPECT_EQ(report.test.loss, expected.test.loss) << prefetch;
  }
}

TEST_F(LocalTrainingTest, TheOptionsOfTheReferenceWorkflowAreTheDefaults) {
  const std::string without = train().parameters_sha256;
  const Config reference = load_config(RUNNEL_SOURCE_DIR "/trainer/configs/mnist.toml");
  config_.model.options = reference.model.options;
  config_.data.options = reference.data.options;
  EXPECT_EQ(train().parameters_sha256, without);
  config_.data.options = parse_config("data.options.normalize = [0, 1]", "test.toml").data.options;
  EXPECT_NE(train().parameters_sha256, without);
}

TEST_F(LocalTrainingTest, RefusesAnOptionThatNobodyReads) {
  config_.model.options = parse_config("model.options.width = 3", "test.toml").model.options;
  EXPECT_THROW(train(), ConfigError);
}

TEST_F(LocalTrainingTest, LearnsTheseImagesByHeart) {
  config_.model.options = parse_config("[model]\noptions = { dropout = [0.0, 0.0] }", "test.toml").model.options;
  config_.trainer.batch_size = 50;
  config_.run.max_epochs = 30;
  config_.optimizer.lr = 1.0;
  const RunReport report = train();
  EXPECT_LT(report.loss.back().second, report.loss.front().second / 2);
}

TEST_F(LocalTrainingTest, SavesWhatItReportsAndGoesOnFromIt) {
  config_.run.save = folder_.path() / "trained.safetensors";
  const RunReport report = train();
  config_.model.init = config_.run.save;
  const TrainedModel model = registry_.make_model(config_);
  load_weights(config_, model.tensors());
  const BucketLayout layout = layout_of(model.tensors().shapes(), config_);
  std::vector<float> parameters(layout.float_count());
  write_initial_parameters(model.tensors(), layout, parameters);
  EXPECT_EQ(to_hex(sha256(std::as_bytes(std::span(parameters)))), report.parameters_sha256);

  EXPECT_LT(train().loss.front().second, report.loss.front().second);
}

TEST_F(LocalTrainingTest, ADryRunIsOneBatch) {
  const RunReport report = train(/*dry_run=*/true);
  EXPECT_EQ(report.steps, 1);
  EXPECT_EQ(report.test.samples, 20);
}

TEST_F(LocalTrainingTest, StopsBetweenBatchesWhenAsked) {
  config_.run.save = folder_.path() / "unfinished.safetensors";
  patience_ = 3;
  const RunReport report = train();
  EXPECT_EQ(report.steps, 3);
  EXPECT_EQ(report.test.samples, 0);
  EXPECT_FALSE(std::filesystem::exists(config_.run.save));
}

TEST_F(LocalTrainingTest, EndsWhereALossOrParameterIsNotFinite) {
  config_.run.save = folder_.path() / "diverged.safetensors";
  config_.optimizer.name = RuleKind::sgd;
  config_.optimizer.lr = 1e6;
  RunAccount account(config_, {});
  EXPECT_THROW(train_alone(
                   config_, registry_, {.out = out_}, [] { return true; }, account),
               NotFinite);
  EXPECT_LT(account.report().steps, 8);
  EXPECT_EQ(account.report().loss.size(), static_cast<std::size_t>(account.report().steps));
  EXPECT_GT(account.report().seconds.total, 0);
  EXPECT_FALSE(std::filesystem::exists(config_.run.save));

  test::StrictLog log;
  log.expect("the run continues, because run.on_nonfinite is \"warn\"");
  config_.run.on_nonfinite = NonfiniteAction::warn;
  EXPECT_EQ(train().steps, 8);
  EXPECT_TRUE(std::filesystem::exists(config_.run.save));
}

TEST_F(LocalTrainingTest, RefusesADeviceThatIsNotThere) {
  config_.trainer.device = {DeviceName::cuda()};
  EXPECT_THROW(train(), RunError);
}

}  // namespace
}  // namespace runnel
