// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/config/config.h"

namespace runnel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OptionsTest : public testing::Test {
 protected:
  /// The options of a file whose second line is `text`.
  Options read(const std::string& text) {
    table_ = parse_config("[model.options]\n" + text, "f.toml").model.options;
    return {table_, "model.options"};
  }

  /// What `use` throws for them.
  std::string error_of(const std::string& text, const std::function<void(const Options&)>& use) {
    const Options options = read(text);
    try {
      use(options);
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      return error.what();
    }
    return "accepted";
  }

  OptionTable table_;
};

TEST_F(OptionsTest, AreReadByType) {
  const Options options = read(
      "on = true\ncount = 3\nshare = 0.5\nwhole = 2\ntitle = \"a b\"\nkind = \"deep\"\nsizes = [1, 2]\n"
      "shares = [0.25, 1]\nkinds = [\"flat\", \"deep\"]");
  EXPECT_TRUE(options.boolean("on", false));
  EXPECT_EQ(options.integer("count", 1), 3);
  EXPECT_EQ(options.number("share", 1), 0.5);
  EXPECT_EQ(options.number("whole", 1), 2.0) << "an integer is a number";
  EXPECT_EQ(options.text("title", ""), "a b");
  EXPECT_EQ(options.word("kind", "flat", {"flat", "deep"}), "deep");
  EXPECT_THAT(options.integers("sizes", {}), ElementsAre(1, 2));
  EXPECT_THAT(options.numbers("shares", {0, 0}, {0, 1}, /*fixed=*/true), ElementsAre(0.25, 1));
  EXPECT_THAT(options.words("kinds", {}, {"flat", "deep"}), ElementsAre("flat", "deep"));
  EXPECT_NO_THROW(options.require_all_read("model 'm'"));
}

TEST_F(OptionsTest, HaveDefaults) {
  const Options options = read("");
  EXPECT_TRUE(options.boolean("on", true));
  EXPECT_EQ(options.integer("count", 7, {8, 9}), 7) << "a default is not checked";
  EXPECT_EQ(options.number("share", 0.5), 0.5);
  EXPECT_EQ(options.text("title", "t"), "t");
  EXPECT_EQ(options.word("kind", "flat", {"flat"}), "flat");
  EXPECT_THAT(options.integers("sizes", {1}), ElementsAre(1));
  EXPECT_THAT(options.numbers("shares", {0.5}), ElementsAre(0.5));
  EXPECT_THAT(options.words("kinds", {"flat"}, {"flat"}), ElementsAre("flat"));
}

TEST_F(OptionsTest, OfAnotherTypeAreRefusedWithTheirPlace) {
  EXPECT_EQ(error_of("on = 1", [](const Options& o) { o.boolean("on", false); }),
            "f.toml:2:6: key 'model.options.on': expected true or false, found 1");
  EXPECT_EQ(error_of("count = 3.0", [](const Options& o) { o.integer("count", 1); }),
            "f.toml:2:9: key 'model.options.count': expected an integer, found 3.0");
  EXPECT_EQ(error_of("share = \"half\"", [](const Options& o) { o.number("share", 1); }),
            "f.toml:2:9: key 'model.options.share': expected a number, found \"half\"");
  EXPECT_EQ(error_of("title = 3", [](const Options& o) { o.text("title", ""); }),
            "f.toml:2:9: key 'model.options.title': expected a string, found 3");
  EXPECT_EQ(error_of("kind = \"steep\"",
                     [](const Options& o) {
                       o.word("kind", "flat", {"flat", "deep"});
                     }),
            "f.toml:2:8: key 'model.options.kind': expected one of \"flat\", \"deep\", found \"steep\"");
  EXPECT_EQ(error_of("sizes = 3", [](const Options& o) { o.integers("sizes", {}); }),
            "f.toml:2:9: key 'model.options.sizes': expected an array of integers, each an integer, found 3");
  EXPECT_EQ(error_of("sizes = [3, true]", [](const Options& o) { o.integers("sizes", {}); }),
            "f.toml:2:9: key 'model.options.sizes': expected an array of integers, each an integer, found [3, true]");
  EXPECT_EQ(error_of("kinds = [\"flat\", \"steep\"]", [](const Options& o) { o.words("kinds", {}, {"flat"}); }),
            "f.toml:2:9: key 'model.options.kinds': expected an array of some of \"flat\", found "
            "[\"flat\", \"steep\"]");
}

TEST_F(OptionsTest, OutOfRangeAreRefusedWithTheRange) {
  const auto count = [](const Options& o) { o.integer("count", 1, {1, 9}); };
  EXPECT_EQ(error_of("count = 0", count),
            "f.toml:2:9: key 'model.options.count': expected an integer from 1 to 9, found 0");
  EXPECT_EQ(error_of("count = 10", count),
            "f.toml:2:9: key 'model.options.count': expected an integer from 1 to 9, found 10");
  EXPECT_EQ(error_of("count = 1", count), "accepted");
  EXPECT_EQ(error_of("count = 9", count), "accepted");
  EXPECT_EQ(error_of("count = -1", [](const Options& o) { o.integer("count", 1, {.min = 0}); }),
            "f.toml:2:9: key 'model.options.count': expected an integer from 0, found -1");
  EXPECT_EQ(error_of("share = 1.5", [](const Options& o) { o.number("share", 1, {.max = 1}); }),
            "f.toml:2:9: key 'model.options.share': expected a number up to 1.0, found 1.5");
  EXPECT_EQ(error_of("sizes = [1, 0]", [](const Options& o) { o.integers("sizes", {}, {.min = 1}); }),
            "f.toml:2:9: key 'model.options.sizes': expected an array of integers, each an integer from 1, "
            "found [1, 0]");
  const auto shares = [](const Options& o) { o.numbers("shares", {0, 0}, {0, 1}, /*fixed=*/true); };
  for (const char* text : {"[0.5]", "[0.5, 0.5, 0.5]", "[]", "[0.5, -0.5]", "0.5", "[[0.5], [0.5]]"}) {
    EXPECT_EQ(error_of(std::string("shares = ") + text, shares),
              std::string("f.toml:2:10: key 'model.options.shares': expected an array of 2 numbers, each a number from "
                          "0.0 to 1.0, found ") +
                  text);
  }
  EXPECT_THAT(read("shares = []").numbers("shares", {0, 0}), IsEmpty());
}

TEST_F(OptionsTest, ThatNobodyReadsAreRefused) {
  const auto use = [](const Options& o) {
    o.number("dropout", 0);
    o.integer("layers", 1);
    o.require_all_read("model 'm'");
  };
  EXPECT_EQ(error_of("dropout = 0.5\nlayers = 2", use), "accepted");
  EXPECT_EQ(error_of("dropuot = 0.5", use),
            "f.toml:2:11: key 'model.options.dropuot': model 'm' has no such option, did you mean "
            "'model.options.dropout'?");
  EXPECT_EQ(error_of("dropout = 0.5\nwidth = 3", use),
            "f.toml:3:9: key 'model.options.width': model 'm' has no such option; its options are dropout, layers");
  EXPECT_EQ(error_of("width = 3", [](const Options& o) { o.require_all_read("model 'm'"); }),
            "f.toml:2:9: key 'model.options.width': model 'm' has no such option; it has none");
}

TEST_F(OptionsTest, OfTheCommandLineNameTheirSet) {
  table_ = load_config("", {.sets = {"model.options.count=0"}, .default_data_dir = {}}).model.options;
  try {
    Options(table_, "model.options").integer("count", 1, {1, 9});
    FAIL() << "was accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--set 'model.options.count=0': key 'model.options.count': expected an integer from 1 to 9, found 0");
  }
}

TEST_F(OptionsTest, FailSaysWhatWasFound) {
  EXPECT_EQ(error_of("normalize = [0, 0]", [](const Options& o) { o.fail("normalize", "a deviation above 0"); }),
            "f.toml:2:13: key 'model.options.normalize': expected a deviation above 0, found [0, 0]");
}

TEST(ConfigOptions, KnowsTheNamesThatAProgramHas) {
  const auto with_name = [](const std::string& name) {
    return parse_config("[model]\nname = \"" + name + "\"", "f.toml",
                        {.sets = {}, .default_data_dir = {}, .known_names = {{"model.name", {"mine", "mnist-cnn"}}}});
  };
  EXPECT_EQ(with_name("mine").model.name, "mine");
  EXPECT_THROW(with_name("yours"), ConfigError);
  EXPECT_EQ(parse_config("model.name = \"yours\"", "f.toml").model.name, "yours") << "names of no program";
}

TEST(ConfigOptions, OnlyTheDefaultDataSetHasADefaultFolder) {
  const auto path_with = [](const std::string& text) {
    return parse_config(text, "/a/c.toml", {.sets = {}, .default_data_dir = "/x"}).data.path;
  };
  EXPECT_EQ(path_with(""), "/x");
  EXPECT_EQ(path_with("data.name = \"mine\""), "");
}

TEST(ConfigOptions, NamesOfOptionsMayBeInQuotes) {
  const auto option = [](const std::string& set) {
    return load_config("", {.sets = {set}, .default_data_dir = {}}).data.options.at(0);
  };
  const Config config = parse_config("[data.options]\ncast.\"house class\" = 'int64'\n'a.\"b\\' = 1", "f.toml");
  EXPECT_EQ(config.data.options.at(0).name, "cast.\"house class\"");
  EXPECT_EQ(config.data.options.at(1).name, R"("a.\"b\\")");
  EXPECT_EQ(parse_config(print_toml(config), "printed.toml"), config) << print_toml(config);
  EXPECT_EQ(option("data.options.cast.\"house class\"=int64"), config.data.options.at(0));
  EXPECT_EQ(option("data.options.cast . 'house class' = int64"), config.data.options.at(0));
  EXPECT_EQ(option("data.options.\"a=b\"=1").name, "\"a=b\"");
  EXPECT_THROW(option("data.options.house class=1"), ConfigError);
}

}  // namespace
}  // namespace runnel
