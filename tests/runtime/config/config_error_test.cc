// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include <cctype>
#include <fstream>
#include <string>

#include "runtime/config/config.h"

namespace runnel {
namespace {

// One line of bad_configs.txt.
struct BadConfig {
  std::string place;
  std::string message;
  std::string text;
};

std::string unescape(const std::string& escaped) {
  std::string text;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\') {
      text += escaped[i];
      continue;
    }
    const char kind = escaped.at(++i);
    if (kind == 'x') {
      text += static_cast<char>(std::stoi(escaped.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      text += kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind;
    }
  }
  return text;
}

std::vector<BadConfig> read_corpus() {
  std::ifstream stream(std::string(RUNNEL_SOURCE_DIR) + "/tests/runtime/config/bad_configs.txt");
  std::vector<BadConfig> corpus;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.starts_with("# ")) continue;
    const std::size_t first = line.find(" | ");
    const std::size_t second = line.find(" | ", first + 3);
    corpus.push_back(
        {line.substr(0, first), line.substr(first + 3, second - first - 3), unescape(line.substr(second + 3))});
  }
  return corpus;
}

std::string error_of(const std::string& text) {
  try {
    parse_config(text, "f.toml",
                 {.sets = {}, .default_data_dir = {}, .known_names = {{"model.name", {"mnist-cnn", "mnist-mlp"}}}});
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
  return "accepted";
}

TEST(ConfigErrors, NamePlaceAndReason) {
  const std::vector<BadConfig> corpus = read_corpus();
  EXPECT_GE(corpus.size(), 150U);
  for (const BadConfig& bad : corpus) {
    const std::string error = error_of(bad.text);
    EXPECT_THAT(error, testing::StartsWith("f.toml:" + bad.place + ':')) << bad.text;
    EXPECT_THAT(error, testing::HasSubstr(bad.message)) << bad.text;
    EXPECT_THAT(error, testing::Not(testing::HasSubstr("\n")));
  }
}

// Sizes and depths that would cost time or stack.
TEST(ConfigErrors, BoundWhatATextMayCost) {
  const auto repeat = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  EXPECT_THAT(error_of(repeat("# comment\n", 7000)), testing::HasSubstr("larger than 64 KiB"));
  EXPECT_THAT(error_of("a" + repeat(".a", 20000) + " = 1"), testing::HasSubstr("more than 32 dots"));
  EXPECT_THAT(error_of("[a" + repeat(".a", 20000) + "]"), testing::HasSubstr("more than 32 dots"));
  EXPECT_THAT(error_of("\n\na = " + repeat("[", 60000)), testing::StartsWith("f.toml:3:"));
  EXPECT_THAT(error_of("a = " + repeat("{a=", 20000)), testing::StartsWith("f.toml:1:"));
  EXPECT_THAT(error_of("a = " + repeat("[", 15).append(15, ']')), testing::HasSubstr("unknown key"));
  EXPECT_THAT(error_of(repeat("[[a]]\n", 10000)), testing::HasSubstr("unknown key"));
  EXPECT_THAT(error_of(repeat("a", 60000) + " = 1"), testing::HasSubstr("unknown key"));
  EXPECT_THAT(error_of("[trainer]\ncount = " + repeat("9", 60000)), testing::StartsWith("f.toml:2:"));
  EXPECT_THAT(error_of("[model]\nname = \"" + repeat("x", 60000) + "\""), testing::HasSubstr("xxx…"));
  EXPECT_LT(error_of("[trainer]\ncount = [" + repeat("[1],", 10000) + "]").size(), 300U);
}

}  // namespace
}  // namespace runnel
