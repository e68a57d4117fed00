// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/arrays/mutations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "tests/runtime/allocation_count.h"

#ifdef RUNNEL_TEST_SANITIZER_ALLOCATES
// The address sanitizer reserves terabytes, so that no limit of the process helps; it has one of its own.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=256";
}
#endif

namespace runnel::test {
namespace {

/// What a process without a sanitizer may allocate while this object lives: 256 MiB more than it has.
class MemoryLimit {
 public:
  MemoryLimit() {
    getrlimit(RLIMIT_AS, &before_);
    rlimit limit = before_;
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    limit.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (256U << 20);
    if (kCountsAllocations) setrlimit(RLIMIT_AS, &limit);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }

  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

/// A file in memory, whose contents change fast.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("mutation", MFD_CLOEXEC)) {}
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  void hold(const Bytes& bytes) const {
    const bool held = ftruncate(descriptor_, static_cast<off_t>(bytes.size())) == 0 &&
                      pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    if (!held) throw std::runtime_error("cannot write to memory");
  }

 private:
  int descriptor_;
};

/// Numbers that lengths and sizes break at, and pieces of texts.
constexpr std::array<std::uint64_t, 8> kNumbers = {0, 1, 0x7f, 0xffff, 0xffffffff, 1ULL << 60, 1ULL << 63, ~0ULL};
constexpr std::array kPieces = {"\"", "'", ",", "(", ")", "\n", "\r\n", "-", "9999999999", "L", "1e999", ".npy", "\t"};

void change(Bytes& bytes, SplitMix64& random) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const auto position = static_cast<std::ptrdiff_t>(random.below(size + 1));
  const std::size_t room = bytes.size() - static_cast<std::size_t>(position);
  switch (random.below(6)) {
    case 0:
      if (room > 0) bytes[static_cast<std::size_t>(position)] ^= static_cast<std::uint8_t>(1U << random.below(8));
      break;
    case 1:
      if (room > 0) bytes[static_cast<std::size_t>(position)] = static_cast<std::uint8_t>(random.next());
      break;
    case 2:
      std::memcpy(bytes.data() + position, &kNumbers[random.below(kNumbers.size())],
                  std::min<std::size_t>(room, 1U << random.below(4)));
      break;
    case 3: {
      const std::string piece = kPieces[random.below(kPieces.size())];
      bytes.insert(bytes.begin() + position, piece.begin(), piece.end());
      break;
    }
    case 4:
      bytes.erase(bytes.begin() + position,
                  bytes.begin() + position + static_cast<std::ptrdiff_t>(std::min<std::size_t>(room, random.below(9))));
      break;
    default:
      if (random.below(4) == 0) bytes.resize(static_cast<std::size_t>(position));
  }
}

/// Whether the arrays are as `Array` promises. Touches every byte.
void check(const std::vector<Array>& arrays) {
  for (const Array& array : arrays) {
    ASSERT_EQ(bytes_in_shape(array.type, array.shape), array.bytes.size()) << array.name;
    const volatile unsigned sum = std::accumulate(array.bytes.begin(), array.bytes.end(), 0U,
                                                  [](unsigned s, auto b) { return s + std::to_integer<unsigned>(b); });
    static_cast<void>(sum);
  }
}

}  // namespace

void expect_robust(const std::vector<Bytes>& good, const ArrayReader& read) {
  constexpr int kRounds = 100'000;
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  const MemoryFile file;
  for (const Bytes& bytes : good) {
    file.hold(bytes);
    ASSERT_NO_THROW(check(read(file.path())));
  }
  const MemoryLimit limit;
  int refused = 0;
  for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
    Bytes bytes = good[random.below(static_cast<std::uint32_t>(good.size()))];
    for (std::uint32_t changes = 1 + random.below(4); changes > 0; --changes) change(bytes, random);
    file.hold(bytes);
    try {
      check(read(file.path()));
    } catch (const RunError& error) {
      ++refused;
      ASSERT_EQ(error.status(), ExitStatus::bad_data) << error.what();
      ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    } catch (const std::exception& error) {
      FAIL() << "round " << round << ": " << error.what();
    }
  }
  EXPECT_GT(refused, kRounds / 10);
}

}  // namespace runnel::test
