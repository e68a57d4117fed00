// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/config/config.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/inspect/summary_files.h"
#include "trainer/inspect/summary_json.h"
#include "trainer/inspect/summary_text.h"

/// What is printed for a file of each format, against golden/; and that the configuration in it can be read.
namespace runnel {
namespace {

class SummaryGoldenTest : public testing::TestWithParam<test::KnownFile> {
 protected:
  SummaryGoldenTest() {
    GetParam().make(folder_.path());
    summary_ = inspect(folder_.path() / GetParam().name, GetParam().options);
  }

  static std::string golden(const std::string& extension) {
    return test::as_text(test::read_bytes(RUNNEL_GOLDEN_FOLDER "/" + GetParam().format + extension));
  }

  /// `text` with FOLDER in place of the test's folder.
  std::string without_folder(std::string text) const {
    const std::string folder = folder_.path();
    for (std::size_t at; (at = text.find(folder)) != text.npos;) text.replace(at, folder.size(), "FOLDER");
    return text;
  }

  test::TemporaryFolder folder_;
  FileSummary summary_;
};

TEST_P(SummaryGoldenTest, Text) {
  EXPECT_EQ(without_folder(summary_text(summary_, Drawing::ascii)), golden(".txt"));
}

TEST_P(SummaryGoldenTest, Json) {
  const auto json = nlohmann::json::parse(summaries_json({summary_}));
  EXPECT_EQ(without_folder(json.dump(1)) + "\n", golden(".json"));
}

TEST_P(SummaryGoldenTest, ItsConfigurationIsRead) {
  ConfigOptions options;
  options.known_names = {{"data.name", {"npz", "npy", "idx", "safetensors", "csv", "tokens", "mnist", "cifar"}},
                         {"model.name", {"mnist-cnn", "export", "torchscript"}}};
  const std::string& text = summary_.configuration;
  const Config config = parse_config(text, "suggested.toml", options);
  const std::string path = config.data.path + config.model.file + config.model.init;
  EXPECT_TRUE(std::filesystem::exists(path)) << text;
}

INSTANTIATE_TEST_SUITE_P(All, SummaryGoldenTest, testing::ValuesIn(test::known_files()),
                         [](const auto& test) { return test.param.format; });

}  // namespace
}  // namespace runnel
