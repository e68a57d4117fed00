// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "runtime/config/config.h"

namespace runnel {
namespace {

const std::filesystem::path kSource = RUNNEL_SOURCE_DIR;

// The section of trainer/configs/README.md between the markers is what the schema prints.
TEST(Config, ReferenceTableOfTheReadmeIsThatOfTheParser) {
  std::ifstream stream(kSource / "trainer/configs/README.md");
  std::stringstream readme;
  readme << stream.rdbuf();
  const std::string text = readme.str();
  const std::string begin = "<!-- config-reference:begin -->\n";
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find("<!-- config-reference:end -->");
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos);
  EXPECT_EQ(text.substr(from + begin.size(), to - from - begin.size()), reference_table_markdown());
}

}  // namespace
}  // namespace runnel
