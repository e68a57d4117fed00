// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "runtime/checkpoint/safetensors_writer.h"
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

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

class SafetensorsTest : public testing::Test {
 protected:
  /// The header of a good file with 32 bytes of data.
  static Json good_header() {
    return {{"a.weight", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}},
            {"a.bias", {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {24, 32}}}}};
  }

  ExitStatus open_status(const Bytes& bytes, std::string* message = nullptr) {
    write_bytes(file_, bytes);
    return open_status(message);
  }

  ExitStatus open_status(std::string* message) {
    try {
      const SafetensorsFile opened(file_);
      std::uint64_t sum = 0;  // of all bytes: a sanitizer sees a span that is too long
      for (const StoredTensor& tensor : opened.tensors()) {
        for (const std::byte byte : tensor.bytes) sum += static_cast<std::uint64_t>(byte);
      }
      EXPECT_LE(sum, 32U * 255);
      return ExitStatus::done;
    } catch (const RunError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      if (message != nullptr) *message = error.what();
      return error.status();
    }
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "model.safetensors";
};

TEST_F(SafetensorsTest, GivesBackWhatWasSavedOfEveryType) {
  Bytes values(24);
  std::iota(values.begin(), values.end(), std::uint8_t{1});
  std::vector<StoredTensor> saved;
  for (const ElementType type : kElementTypes) {
    saved.push_back({std::string(name_of(type)), type, {3, 1}, bytes_of(values).first(3 * bytes_of(type))});
  }
  saved.push_back({"scalar", ElementType::int64, {}, bytes_of(values).first(8)});
  saved.push_back({"empty", ElementType::float32, {4, 0}, {}});
  write_safetensors(file_, saved);

  const SafetensorsFile opened(file_);
  EXPECT_EQ(opened.tensors().size(), saved.size());
  EXPECT_TRUE(std::ranges::is_sorted(opened.tensors(), {}, &StoredTensor::name));
  for (const StoredTensor& expected : saved) {
    const StoredTensor* const found = opened.find(expected.name);
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->type, expected.type) << expected.name;
    EXPECT_EQ(found->shape, expected.shape) << expected.name;
    EXPECT_TRUE(std::ranges::equal(found->bytes, expected.bytes)) << expected.name;
  }
  EXPECT_EQ(opened.find("float"), nullptr);
}

TEST_F(SafetensorsTest, WritesTheFormatWithEveryTensorAligned) {
  const std::vector<float> floats = {-3.5F, 2.5F, 1.0F};
  const Bytes flags = {1, 0, 1};
  const std::vector<std::int64_t> count = {7};
  write_safetensors(file_, std::vector<StoredTensor>{{"flags", ElementType::boolean, {3}, bytes_of(flags)},
                                                     {"z", ElementType::float32, {1, 3}, bytes_of(floats)},
                                                     {"a", ElementType::float32, {3}, bytes_of(floats)},
                                                     {"count", ElementType::int64, {}, bytes_of(count)}});
  const Bytes bytes = read_bytes(file_);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length % 8, 0U);
  ASSERT_EQ(bytes.size(), 8 + length + 8 + 24 + 3);
  const Json header = Json::parse(bytes.begin() + 8, bytes.begin() + 8 + static_cast<std::ptrdiff_t>(length));
  EXPECT_EQ(header, Json({{"__metadata__", {{"format", "pt"}}},
                          {"count", {{"dtype", "I64"}, {"shape", Json::array()}, {"data_offsets", {0, 8}}}},
                          {"z", {{"dtype", "F32"}, {"shape", {1, 3}}, {"data_offsets", {8, 20}}}},
                          {"a", {{"dtype", "F32"}, {"shape", {3}}, {"data_offsets", {20, 32}}}},
                          {"flags", {{"dtype", "BOOL"}, {"shape", {3}}, {"data_offsets", {32, 35}}}}}));
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, count.data(), 8), 0);
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length + 8, floats.data(), 12), 0);
}

TEST_F(SafetensorsTest, LeavesOutMetadataThatAreNoTexts) {
  Json header = good_header();
  header["__metadata__"] = {{"by", "a test"}, {"count", 7}};
  EXPECT_EQ(open_status(make_file(header.dump(), 32)), ExitStatus::done);
  EXPECT_EQ(SafetensorsFile(file_).metadata(), (std::map<std::string, std::string>{{"by", "a test"}}));
  header["__metadata__"] = 7;
  EXPECT_EQ(open_status(make_file(header.dump(), 32)), ExitStatus::done);
}

TEST_F(SafetensorsTest, ReadsTensorsInAnyOrder) {
  Json header = {{"a.bias", {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}}},
                 {"a.weight", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {8, 32}}}}};
  write_bytes(file_, make_file(header.dump(), 32));
  const SafetensorsFile opened(file_);
  EXPECT_EQ(opened.find("a.bias")->bytes.front(), std::byte{0});
  EXPECT_EQ(opened.find("a.weight")->bytes.front(), std::byte{8});
  EXPECT_EQ(opened.find("a.weight")->bytes.size(), 24U);
}

TEST_F(SafetensorsTest, NamesATypeThatItDoesNotKnow) {
  Json header = good_header();
  header["a.bias"]["dtype"] = "F8_E4M3";
  std::string message;
  EXPECT_EQ(open_status(make_file(header.dump(), 32), &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("tensor \"a.bias\": expected one of the dtypes BOOL, U8, I8"));
  EXPECT_THAT(message, HasSubstr("found F8_E4M3"));
}

TEST_F(SafetensorsTest, RefusesABrokenHeader) {
  const auto status_of = [&](const std::function<void(Json&)>& edit) {
    Json header = good_header();
    edit(header);
    return open_status(make_file(header.dump(), 32));
  };
  EXPECT_EQ(status_of([](Json&) {}), ExitStatus::done);
  EXPECT_EQ(status_of([](Json& h) { h["__metadata__"] = {{"by", "a test"}}; }), ExitStatus::done);
  const std::vector<std::function<void(Json&)>> edits = {
      [](Json& h) { h.erase("a.bias"); },
      [](Json& h) { h["a.bias"]["shape"] = {3}; },
      [](Json& h) {
        h["a.bias"]["shape"] = {4294967296, 4294967296, 2};
      },
      [](Json& h) { h["a.bias"]["shape"] = {9223372036854775808U}; },
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
  EXPECT_EQ(open_status(make_file(header, 32)), ExitStatus::bad_data);
}

TEST_F(SafetensorsTest, RefusesALargeHeaderBeforeItIsParsed) {
  rusage before{};
  rusage after{};
  std::string message;
  getrusage(RUSAGE_SELF, &before);
  write_bytes(file_, make_file("{}", 0));
  const std::uint64_t length = 100'000'001;
  std::fstream(file_, std::ios::in | std::ios::out | std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length);
  std::filesystem::resize_file(file_, 8 + length);
  EXPECT_EQ(open_status(&message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("found 100000001"));
  EXPECT_EQ(open_status(make_file("[" + std::string(3'000'000, ','), 0), &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("at most 2000000 values"));
  EXPECT_EQ(open_status(make_file(std::string(1 << 20, '['), 0), &message), ExitStatus::bad_data);
  EXPECT_THAT(message, HasSubstr("deeper nesting"));
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 << 10) << "KiB more at most";
}

TEST_F(SafetensorsTest, BracketsInNamesAreNoNesting) {
  Json header = good_header();
  header["__metadata__"] = {{"note", R"([[[[ "quoted" \ {{{{ \)"}};
  EXPECT_EQ(open_status(make_file(header.dump(), 32)), ExitStatus::done);
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
    EXPECT_EQ(open_status(Bytes(bytes.begin(), bytes.end()), &message), ExitStatus::bad_data);
    EXPECT_THAT(message, HasSubstr(kind));
  }
}

TEST_F(SafetensorsTest, TakesAHeaderWhoseLengthLooksLikeAnotherFormat) {
  for (const std::size_t length : {0x0280UL, 0x8b1fUL}) {  // the first bytes of a pickle and of gzip
    std::string header = good_header().dump();
    header.resize(length, ' ');
    EXPECT_EQ(open_status(make_file(header, 32)), ExitStatus::done) << length;
  }
}

TEST_F(SafetensorsTest, RefusesTwoTensorsInOnePlace) {
  Json header;
  header["a"] = header["b"] = {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}};
  EXPECT_EQ(open_status(make_file(header.dump(), 8)), ExitStatus::bad_data);
}

TEST_F(SafetensorsTest, RefusesEveryOtherLength) {
  const Bytes good = make_file(good_header().dump(), 32);
  for (std::size_t length = 0; length <= good.size() + 1; ++length) {
    if (length == good.size()) continue;
    Bytes other = good;
    other.resize(length);
    EXPECT_EQ(open_status(other), ExitStatus::bad_data) << length;
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
    const ExitStatus status = open_status(bytes);
    ASSERT_TRUE(status == ExitStatus::done || status == ExitStatus::bad_data);
  }
}

}  // namespace
}  // namespace runnel
