// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "runtime/config/config.h"

namespace runnel {
namespace {

constexpr int kMutations = 10'000;

std::string reference_text() {
  std::ifstream stream(std::string(RUNNEL_SOURCE_DIR) + "/trainer/configs/mnist.toml");
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  // Up to eight changes: of bytes, of tokens that mean something to TOML, and of pieces of the text itself.
  std::string mutate(std::string text) {
    static constexpr const char* kTokens[] = {"[",    "]",   "{",        "}",  "=",  ".",       ",",    "\"",
                                              "'",    "#",   "\n",       "\r", "\\", "\"\"\"",  "'''",  "inf",
                                              "nan",  "-",   "+",        "_",  "0x", "1e999",   "[[",   "]]",
                                              "true", "\\u", "\xC3\xA9", "\t", " ",  "1979-05", "07:3", "trainer"};
    for (std::size_t changes = below(8) + 1; changes > 0 && !text.empty(); --changes) {
      const std::size_t at = below(text.size());
      switch (below(6)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, below(20) + 1);
          break;
        case 2:
          text.insert(at, kTokens[below(std::size(kTokens))]);
          break;
        case 3:
          text.replace(at, 1, kTokens[below(std::size(kTokens))]);
          break;
        case 4:
          text.insert(at, text.substr(below(text.size()), below(60)));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    return text;
  }

 private:
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  std::mt19937 random_;
};

// Whatever the bytes are, the result is a configuration, which survives printing, or one line that says what is wrong.
TEST(ConfigFuzz, MutatedFileIsReadOrRefused) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Mutator mutator(seed);
  const std::string text = reference_text();
  ASSERT_FALSE(text.empty());
  int accepted = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string mutated = mutator.mutate(text);
    try {
      const Config config = parse_config(mutated, "f.toml");
      ASSERT_EQ(parse_config(print_toml(config), "printed.toml"), config) << mutated;
      ++accepted;
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      ASSERT_TRUE(message.starts_with("f.toml:")) << message;
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations / 2);
}

TEST(ConfigFuzz, MutatedSetIsReadOrRefused) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Mutator mutator(seed);
  for (int i = 0; i < kMutations; ++i) {
    const std::string set = mutator.mutate("optimizer.schedule={name=\"step\", gamma=0.5}");
    try {
      load_config("", {.sets = {set}, .default_data_dir = {}});
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      ASSERT_TRUE(message.starts_with("--set '")) << message;
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace runnel
