// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/config/config.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/inspect/summary_files.h"
#include "trainer/run/registry.h"

/// The configurations that `runnel inspect` suggests, read by the data sets that they name.
namespace runnel {
namespace {

namespace fs = std::filesystem;

class SuggestedDatasetsTest : public testing::TestWithParam<test::KnownFile> {
 protected:
  SuggestedDatasetsTest() {
    GetParam().make(folder_.path());
    // What a data set needs beside the one file that is inspected.
    const fs::path cifar = folder_.path() / "data_batch_1.bin";
    for (const char* other : {"data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
      if (fs::exists(cifar)) fs::copy_file(cifar, folder_.path() / (std::string(other) + ".bin"));
    }
    if (GetParam().format == "idx") test::write_bytes(folder_.path() / "y", {0, 0, 8, 1, 0, 0, 0, 2, 0, 1});
  }

  test::TemporaryFolder folder_;
};

TEST_P(SuggestedDatasetsTest, AreOpened) {
  const std::string text = inspect(folder_.path() / GetParam().name, GetParam().options).configuration;
  if (text.find("[data]") == text.npos) return;  // a model's
  const Registry registry;
  ConfigOptions options;
  options.known_names = registry.names();
  // The files have a few samples, and a text of 40 tokens.
  if (text.find("test_fraction") != text.npos) options.sets.emplace_back("data.test_fraction=0.5");
  if (text.find("context = ") != text.npos) options.sets.emplace_back("data.options.context=4");
  const Config config = parse_config(text, folder_.path() / "suggested.toml", options);
  for (const Split split : {Split::train, Split::test}) {
    EXPECT_GE(registry.make_dataset(config, split)->size(), 1) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SuggestedDatasetsTest, testing::ValuesIn(test::known_files()),
                         [](const auto& test) { return test.param.format; });

}  // namespace
}  // namespace runnel
