// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint.h"
#include "tests/runtime/checkpoint/sample_checkpoint.h"
#include "tests/support/temporary_folder.h"

// Checkpoints that were damaged, or made to do harm.
namespace runnel {
namespace {

namespace fs = std::filesystem;
using test::Bytes;
using testing::HasSubstr;

/// By how much all rounds together may grow the process. The address sanitizer keeps 256 MB of what was freed.
#ifdef __SANITIZE_ADDRESS__
constexpr long kMostKilobytes = 600 << 10;
#else
constexpr long kMostKilobytes = 64 << 10;
#endif

/// A file of a checkpoint, as it was written.
struct GoodFile {
  fs::path path;
  Bytes bytes;
  std::vector<std::pair<std::string, ByteRange>> tensors;  // where they are in the file

  /// The only tensor whose bytes differ in `other`; nothing when there are several, or other bytes differ.
  std::optional<std::string> damaged_tensor(const Bytes& other) const {
    if (other.size() != bytes.size()) return std::nullopt;
    const auto first = static_cast<std::size_t>(std::ranges::mismatch(bytes, other).in1 - bytes.begin());
    std::size_t last = bytes.size();
    while (last > first && bytes[last - 1] == other[last - 1]) --last;
    for (const auto& [name, range] : tensors) {
      if (range.begin <= first && last <= range.end) return name;
    }
    return std::nullopt;
  }
};

/// In place: a file that becomes empty first is on the disk when it is closed, which takes most of a round.
void overwrite(const fs::path& path, const Bytes& bytes) {
  const int file = open(path.c_str(), O_WRONLY);
  const bool is_written = pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
                          ftruncate(file, static_cast<off_t>(bytes.size())) == 0;
  close(file);
  if (!is_written) throw std::runtime_error(path.string() + ": cannot be written");
}

class CheckpointDamageTest : public testing::Test {
 protected:
  CheckpointDamageTest() : checkpoint_(model_.write(temporary_.path(), 5, 2)) {
    for (const char* name : {"manifest.json", "shard-0-of-2.safetensors", "shard-1-of-2.safetensors"}) {
      files_.push_back({checkpoint_ / name, test::read_bytes(checkpoint_ / name), {}});
      if (files_.size() == 1) continue;
      const SafetensorsFile file(files_.back().path);
      for (const StoredTensor& tensor : file.tensors()) {
        const auto begin = static_cast<std::size_t>(tensor.bytes.data() - file.header().data());
        if (!tensor.bytes.empty()) files_.back().tensors.push_back({tensor.name, {begin, begin + tensor.bytes.size()}});
      }
    }
  }

  /// The status of reading all of it; the text of the error.
  std::pair<ExitStatus, std::string> read() const {
    try {
      Checkpoint(checkpoint_).verify();
      return {ExitStatus::done, ""};
    } catch (const RunError& error) {
      return {error.status(), error.what()};
    }
  }

  std::size_t below(std::size_t limit) { return random_.below(static_cast<std::uint32_t>(limit)); }

  Bytes damaged(const Bytes& good) {
    Bytes bytes = good;
    const std::size_t at = below(bytes.size()), many = std::min(1 + below(600), bytes.size() - at);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(8)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.resize(bytes.size() + many, static_cast<std::uint8_t>(below(256)));
        break;
      case 2:
        std::fill_n(begin, many, std::uint8_t{0});
        break;
      case 3:
        std::copy_n(good.begin() + static_cast<std::ptrdiff_t>(below(good.size() - many + 1)), many, begin);
        break;
      case 4:
        bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(many));
        break;
      case 5:  // the header, or the manifest's first lines
        bytes[below(std::min<std::size_t>(bytes.size(), 400))] = static_cast<std::uint8_t>(below(256));
        break;
      case 6:
        *begin = static_cast<std::uint8_t>(below(256));
        break;
      default:
        *begin ^= static_cast<std::uint8_t>(1U << below(8));
    }
    return bytes;
  }

  /// Damages a file in some way, reads the checkpoint, and puts the file right again.
  void damage_once() {
    const GoodFile& file = files_[below(files_.size())];
    // Sometimes another file of the checkpoint has taken its place.
    const bool is_foreign = below(50) == 0;
    const Bytes bytes = is_foreign ? files_[below(files_.size())].bytes : damaged(file.bytes);
    overwrite(file.path, bytes);
    const auto [status, text] = read();
    const bool differs = bytes != file.bytes;
    ASSERT_EQ(status, differs ? ExitStatus::bad_data : ExitStatus::done) << text;
    ASSERT_THAT(text, HasSubstr(differs ? file.path.string() : ""));
    ASSERT_THAT(text, HasSubstr(differs ? file.damaged_tensor(bytes).value_or("") : ""));
    const bool is_looked_at = below(100) == 0;
    ASSERT_TRUE(!is_looked_at || test::read_bytes(file.path) == bytes) << "reading has changed the file";
    overwrite(file.path, file.bytes);
  }

  void expect_refused(const Manifest& manifest, const std::string& what) {
    const std::string text = to_json(manifest);
    test::write_bytes(files_.front().path, {text.begin(), text.end()});
    const auto [status, message] = read();
    EXPECT_EQ(status, ExitStatus::bad_data) << what;
    EXPECT_THAT(message, HasSubstr(checkpoint_.string())) << what;
  }

  test::TemporaryFolder temporary_;
  test::SampleModel model_{11, 40};
  fs::path checkpoint_;
  std::vector<GoodFile> files_;
  SplitMix64 random_{0};
};

/// RUNNEL_TEST_MUTATIONS: how many, in place of 20 000.
TEST_F(CheckpointDamageTest, IsFoundWhateverItIs) {
  const char* wanted = std::getenv("RUNNEL_TEST_MUTATIONS");
  const int rounds = wanted == nullptr ? 20'000 : std::atoi(wanted);
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  random_ = SplitMix64(seed);
  ASSERT_EQ(read().first, ExitStatus::done);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    damage_once();
    if (HasFatalFailure()) return;
  }
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, kMostKilobytes);
  EXPECT_EQ(read().first, ExitStatus::done);
}

TEST_F(CheckpointDamageTest, AManifestMadeToDoHarmIsRefused) {
  const Manifest good = read_manifest(files_.front().path);
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::pair<const char*, std::function<void(Manifest&)>>> edits = {
      {"a step that is negative", [](Manifest& m) { m.step = -1; }},
      {"a name without a file", [](Manifest& m) { m.tensors.front().names.clear(); }},
      {"no tensors", [](Manifest& m) { m.tensors.clear(); }},
      {"none that are exchanged", [](Manifest& m) { m.tensors.erase(m.tensors.begin(), m.tensors.begin() + 5); }},
      {"a tensor too many",
       [](Manifest& m) {
         m.tensors.push_back({{"x"}, {2}, ElementType::float32, {}});
       }},
      {"a shape of 2^63", [](Manifest& m) { m.tensors.front().shape = {kHuge}; }},
      {"a shape of 2^126",
       [](Manifest& m) {
         m.tensors.front().shape = {kHuge, kHuge};
       }},
      {"a shape of nothing", [](Manifest& m) { m.tensors.front().shape = {0}; }},
      {"another order of rules", [](Manifest& m) { std::swap(m.tensors[0], m.tensors[3]); }},
      {"another type", [](Manifest& m) { m.tensors.back().type = ElementType::int32; }},
      {"a state too many", [](Manifest& m) { m.states.emplace_back("third"); }},
      {"a state too few", [](Manifest& m) { m.states.pop_back(); }},
      {"no shards", [](Manifest& m) { m.shards.clear(); }},
      {"a shard less", [](Manifest& m) { m.shards.pop_back(); }},
      {"a shard of nothing", [](Manifest& m) { m.shards[1].layout.begin = m.shards[1].layout.end; }},
      {"a shard to the end of memory", [](Manifest& m) { m.shards[1].layout.end = ~std::size_t{3}; }},
      {"shards that overlap", [](Manifest& m) { m.shards[1].layout.begin -= 4; }},
      {"a shard within a float", [](Manifest& m) { m.shards[0].layout.end = m.shards[1].layout.begin -= 2; }},
      {"a file elsewhere", [](Manifest& m) { m.shards[0].name = "../step-5/shard-0-of-2.safetensors"; }},
      {"the same file twice", [](Manifest& m) { m.shards[1].name = m.shards[0].name; }},
      {"a file of 2^64 bytes", [](Manifest& m) { m.shards[0].bytes = ~std::uint64_t{0}; }},
      {"another header", [](Manifest& m) { m.shards[0].header = {}; }},
  };
  for (const auto& [what, edit] : edits) {
    Manifest bad = good;
    edit(bad);
    expect_refused(bad, what);
  }
  EXPECT_THROW(to_json(Manifest{.account = "{"}), std::invalid_argument);
  EXPECT_THROW(to_json(Manifest{.account = std::string(100'000, '[')}), std::invalid_argument);
}

TEST_F(CheckpointDamageTest, AFileOfAnotherKindIsRefused) {
  for (const GoodFile& file : files_) {
    for (const std::string text : {"", "{}", "null", "[]", "PK\3\4", "{\"format\": 1}"}) {
      test::write_bytes(file.path, {text.begin(), text.end()});
      EXPECT_EQ(read().first, ExitStatus::bad_data) << file.path << text;
    }
    fs::remove(file.path);
    EXPECT_EQ(read().first, ExitStatus::bad_data) << file.path;
    fs::create_directory(file.path);
    EXPECT_NE(read().first, ExitStatus::done) << file.path;
    fs::remove(file.path);
    test::write_bytes(file.path, file.bytes);
  }
  EXPECT_EQ(read().first, ExitStatus::done);
}

}  // namespace
}  // namespace runnel
