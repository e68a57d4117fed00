// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

using test::Bytes;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

Bytes make_file(const std::string& header, std::size_t data_bytes) {
  Bytes bytes(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  std::iota(bytes.begin() + 8 + static_cast<std::ptrdiff_t>(header.size()), bytes.end(), std::uint8_t{0});
  return bytes;
}

class SafetensorsTest : public testing::Test {
 protected:
  SafetensorsTest() { std::iota(values_.begin(), values_.end(), -3.5F); }

  /// The header of a good file for `layout_`.
  static Json good_header() {
    return {{"a.weight", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}},
            {"a.bias", {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {24, 32}}}}};
  }

  ExitStatus load_status(const Bytes& bytes, std::string* message = nullptr) {
    write_bytes(file_, bytes);
    std::vector<float> parameters(layout_.float_count(), 99.0F);
    try {
      load_safetensors(file_, layout_, parameters);
      return ExitStatus::done;
    } catch (const RunError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      EXPECT_EQ(parameters, std::vector<float>(layout_.float_count(), 99.0F)) << "written to before it was refused";
      if (message != nullptr) *message = error.what();
      return error.status();
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "model.safetensors";
  BucketLayout layout_{{{"a.weight", {2, 3}}, {"a.bias", {2}}}, kBlockBytes};
  std::vector<float> values_ = std::vector<float>(8);
};

TEST_F(SafetensorsTest, GivesBackWhatWasSaved) {
  save_safetensors(file_, layout_, values_);
  std::vector<float> loaded(8);
  load_safetensors(file_, layout_, loaded);
  EXPECT_EQ(loaded, values_);
}

TEST_F(SafetensorsTest, WritesTheFormat) {
  save_safetensors(file_, layout_, values_);
  const Bytes bytes = read_bytes(file_);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0U);
  ASSERT_EQ(bytes.size(), 8 + length + 32);
  const Json header = Json::parse(bytes.begin() + 8, bytes.begin() + 8 + static_cast<std::ptrdiff_t>(length));
  EXPECT_EQ(header["a.weight"], good_header()["a.weight"]);
  EXPECT_EQ(header["a.bias"], good_header()["a.bias"]);
  EXPECT_EQ(header["__metadata__"], Json({{"format", "pt"}}));
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, values_.data(), 32), 0);
}

TEST_F(SafetensorsTest, LeavesOutTheGapBeforeAveragedTensors) {
  const BucketLayout layout({{"a", {2}}, {"mean", {3}, TensorRule::average}}, kBlockBytes);
  std::vector<float> values(layout.float_count());
  std::iota(values.end() - 3, values.end(), 1.0F);
  save_safetensors(file_, layout, values);
  EXPECT_LT(std::filesystem::file_size(file_), 1000U);
  std::vector<float> loaded(values.size());
  load_safetensors(file_, layout, loaded);
  EXPECT_EQ(loaded, values);
}

TEST_F(SafetensorsTest, RefusesNumbersThatAreNotFinite) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    values_[4] = value;
    save_safetensors(file_, layout_, values_);
    std::vector<float> loaded(8);
    try {
      load_safetensors(file_, layout_, loaded);
      ADD_FAILURE() << "loaded " << value;
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      EXPECT_THAT(error.what(), HasSubstr("expected finite numbers, found a.weight[1, 1] = "));
    }
  }
}

TEST_F(SafetensorsTest, ReadsTensorsInAnyOrder) {
  Json header = {{"a.bias", {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}}},
                 {"a.weight", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {8, 32}}}}};
  write_bytes(file_, make_file(header.dump(), 32));
  std::vector<float> loaded(8);
  load_safetensors(file_, layout_, loaded);
  Bytes expected(32);
  std::iota(expected.begin(), expected.begin() + 24, std::uint8_t{8});
  std::iota(expected.begin() + 24, expected.end(), std::uint8_t{0});
  EXPECT_EQ(std::memcmp(loaded.data(), expected.data(), 32), 0);
}

TEST_F(SafetensorsTest, ShowsBothShapes) {
  Json header = good_header();
  header["a.weight"]["shape"] = {3, 2};
  std::string message;
  EXPECT_EQ(load_status(make_file(header.dump(), 32), &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("a.weight"));
  EXPECT_THAT(message, HasSubstr("[2,3]"));
  EXPECT_THAT(message, HasSubstr("[3,2]"));
}

TEST_F(SafetensorsTest, RefusesABrokenHeader) {
  const auto status_of = [&](const std::function<void(Json&)>& edit) {
    Json header = good_header();
    edit(header);
    return load_status(make_file(header.dump(), 32));
  };
  EXPECT_EQ(status_of([](Json&) {}), ExitStatus::done);
  EXPECT_EQ(status_of([](Json& h) { h["__metadata__"] = {{"by", "a test"}}; }), ExitStatus::done);
  const std::vector<std::function<void(Json&)>> edits = {
      [](Json& h) { h.erase("a.bias"); },
      [](Json& h) { h["extra"] = h["a.bias"]; },
      [](Json& h) { h["a.bias"]["dtype"] = "F16"; },
      [](Json& h) { h["a.bias"]["dtype"] = 32; },
      [](Json& h) { h["a.bias"].erase("dtype"); },
      [](Json& h) { h["a.bias"]["more"] = 1; },
      [](Json& h) { h["a.bias"] = 7; },
      [](Json& h) {
        h["a.bias"] = Json::array({1, 2, 3});
      },
      [](Json& h) { h["a.bias"]["shape"] = {2.0}; },
      [](Json& h) { h["a.bias"]["shape"] = {-2}; },
      [](Json& h) { h["a.bias"]["shape"] = 2; },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {24, 28};
      },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {28, 36};
      },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {0, 8};
      },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {32, 24};
      },
      [](Json& h) { h["a.bias"]["data_offsets"] = {24}; },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {-8, 0};
      },
      [](Json& h) {
        h["a.bias"]["data_offsets"] = {18446744073709551608U, 0};
      },
      [](Json& h) { h = Json::array(); },
      [](Json& h) { h = nullptr; },
  };
  for (std::size_t i = 0; i < edits.size(); ++i) {
    EXPECT_EQ(status_of(edits[i]), ExitStatus::bad_data) << "edit " << i;
  }
}

TEST_F(SafetensorsTest, RefusesANameThatComesTwice) {
  std::string header = good_header().dump();
  header.insert(1, R"("a.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},)");
  EXPECT_EQ(load_status(make_file(header, 32)), ExitStatus::bad_data);
}

TEST_F(SafetensorsTest, RefusesALargeHeaderBeforeItIsParsed) {
  rusage before{};
  rusage after{};
  std::string message;
  const Bytes large = make_file(std::string(20'000'000, '['), 0);
  getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(load_status(large, &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("found 20000000"));
  EXPECT_EQ(load_status(make_file(std::string(1 << 20, '['), 0), &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("deeper nesting"));
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 << 10) << "KiB more at most";
}

TEST_F(SafetensorsTest, BracketsInNamesAreNoNesting) {
  Json header = good_header();
  header["__metadata__"] = {{"note", R"([[[[ "quoted" \ {{{{ \)"}};
  EXPECT_EQ(load_status(make_file(header.dump(), 32)), ExitStatus::done);
}

TEST_F(SafetensorsTest, NamesAPrefixThatAllTensorsHave) {
  for (const std::string& prefix : std::vector<std::string>{"module.", "_orig_mod.", "module._orig_mod."}) {
    const Json plain = good_header();
    Json header;
    for (const auto& [name, entry] : plain.items()) header[prefix + name] = entry;
    std::string message;
    EXPECT_EQ(load_status(make_file(header.dump(), 32), &message), ExitStatus::bad_data);
    EXPECT_THAT(message, HasSubstr("remove the prefix \"" + prefix + "\""));
    header.erase(prefix + "a.bias");
    EXPECT_EQ(load_status(make_file(header.dump(), 32), &message), ExitStatus::bad_data);
    EXPECT_THAT(message, HasSubstr("found none"));
  }
}

TEST_F(SafetensorsTest, RecognisesOtherKindsOfFiles) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, const char*>> files = {
      {"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl"s, "ZIP archive"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4799528\n"s, "Git LFS pointer"},
      {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."s, "pickle"},
  };
  for (const auto& [bytes, kind] : files) {
    std::string message;
    EXPECT_EQ(load_status(Bytes(bytes.begin(), bytes.end()), &message), ExitStatus::bad_data);
    EXPECT_THAT(message, HasSubstr(kind));
  }
}

TEST_F(SafetensorsTest, TakesAHeaderWhoseLengthLooksLikeAnotherFormat) {
  for (const std::size_t length : {0x0280UL, 0x8b1fUL}) {  // the first bytes of a pickle and of gzip
    std::string header = good_header().dump();
    header.resize(length, ' ');
    EXPECT_EQ(load_status(make_file(header, 32)), ExitStatus::done) << length;
  }
}

TEST_F(SafetensorsTest, RefusesTwoTensorsInOnePlace) {
  const BucketLayout twins({{"a", {2}}, {"b", {2}}}, kBlockBytes);
  Json header;
  header["a"] = header["b"] = {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}};
  write_bytes(file_, make_file(header.dump(), 8));
  std::vector<float> parameters(4);
  EXPECT_THROW(load_safetensors(file_, twins, parameters), RunError);
}

TEST_F(SafetensorsTest, RefusesEveryOtherLength) {
  const Bytes good = make_file(good_header().dump(), 32);
  for (std::size_t length = 0; length <= good.size() + 1; ++length) {
    if (length == good.size()) continue;
    Bytes other = good;
    other.resize(length);
    EXPECT_EQ(load_status(other), ExitStatus::bad_data) << length;
  }
}

TEST_F(SafetensorsTest, NoBytesMakeItCrash) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  const Bytes good = make_file(good_header().dump(), 32);
  for (int round = 0; round < 500; ++round) {
    Bytes bytes = good;
    for (std::uint32_t edits = 1 + random.below(5); edits > 0; --edits) {
      bytes[random.below(static_cast<std::uint32_t>(bytes.size() - 32))] = static_cast<std::uint8_t>(random.next());
    }
    const ExitStatus status = load_status(bytes);
    ASSERT_TRUE(status == ExitStatus::done || status == ExitStatus::bad_data);
  }
}

}  // namespace
}  // namespace runnel
