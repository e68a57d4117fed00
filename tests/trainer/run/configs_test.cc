// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "trainer/run/local_training.h"
#include "trainer/run/registry.h"

/// The configurations in trainer/configs that try a model, at a smaller size: the loss falls.
namespace runnel {
namespace {

struct Trial {
  std::string file;
  std::vector<std::string> sets;
};

class ConfigsTest : public testing::TestWithParam<Trial> {};

TEST_P(ConfigsTest, TheLossFallsToLessThanHalf) {
  ConfigOptions options = {.sets = GetParam().sets, .default_data_dir = {}};
  options.sets.insert(options.sets.end(), {"trainer.count=1", "trainer.device=cpu", "run.max_steps=30"});
  const Config config = load_config(RUNNEL_SOURCE_DIR "/trainer/configs/" + GetParam().file + ".toml", options);
  RunAccount account(config, {});
  std::FILE* const out = std::tmpfile();
  train_alone(
      config, Registry(), {.out = out}, [] { return true; }, account);
  std::fclose(out);
  const RunReport& report = account.report();
  ASSERT_EQ(report.steps, 30);
  EXPECT_LT(report.loss.back().second, report.loss.front().second / 2);
}

INSTANTIATE_TEST_SUITE_P(All, ConfigsTest,
                         testing::Values(Trial{"mlp", {}},
                                         Trial{"resnet20",
                                               {"data.options.shape=[3,16,16]", "data.options.test_samples=50"}},
                                         Trial{"gpt",
                                               {"data.options.context=32", "data.options.test_samples=50",
                                                "model.options.width=64", "optimizer.lr=0.003"}}),
                         [](const auto& test) { return test.param.file; });

}  // namespace
}  // namespace runnel
