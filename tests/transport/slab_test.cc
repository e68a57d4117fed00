// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/slab.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/scoped_environment.h"
#include "tests/support/strict_log.h"
#include "tests/transport/code_of.h"
#include "transport/path.h"
#include "transport/status.h"

namespace runnel::test {
namespace {

TEST(SlabTest, IsZeroedWholePages) {
  const StrictLog log;
  for (const Path path : {Path::mapped, Path::emulated}) {
    Context context(context_options_for(path));
    const Slab slab = Slab::allocate(context, 100001);
    EXPECT_EQ(slab.bytes().size() % static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), 0u);
    EXPECT_GE(slab.bytes().size(), 100001u);
    EXPECT_TRUE(std::ranges::all_of(slab.bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
    const RegionDescriptor descriptor = slab.descriptor();
    EXPECT_EQ(descriptor.kind, MemoryKind::host);
    EXPECT_EQ(descriptor.length, slab.bytes().size());
    EXPECT_EQ(decode_region_descriptor(encode(descriptor)), descriptor);
  }
}

TEST(SlabTest, ContainsItsPartsAndNothingElse) {
  Context context(context_options_for(Path::emulated));
  const Slab slab = Slab::allocate(context, 8192);
  const auto bytes = slab.bytes();
  EXPECT_TRUE(slab.contains(bytes));
  EXPECT_TRUE(slab.contains(bytes.last(1)));
  EXPECT_FALSE(slab.contains({bytes.data() + 1, bytes.size()}));
  EXPECT_FALSE(slab.contains({bytes.data() - 1, 2}));
  EXPECT_FALSE(slab.contains({bytes.data() + bytes.size(), 1}));
}

TEST(SlabTest, MovesItsMemory) {
  Context context(context_options_for(Path::mapped));
  Slab first = Slab::allocate(context, 4096);
  first.bytes()[7] = std::byte{42};
  Slab second = Slab::allocate(context, 4096);
  second = std::move(first);
  const Slab third(std::move(second));
  EXPECT_EQ(third.bytes()[7], std::byte{42});
}

TEST(SlabTest, RegistersForeignHostMemory) {
  Context context(context_options_for(Path::one_sided));
  std::vector<std::byte> memory(10000);
  const Slab slab = Slab::register_memory(context, memory);
  EXPECT_EQ(slab.bytes().data(), memory.data());
  EXPECT_EQ(slab.bytes().size(), memory.size());
}

TEST(SlabTest, RefusesWhatItCannotRegister) {
  Context context(context_options_for(Path::emulated));
  std::vector<std::byte> memory(4096);
  EXPECT_EQ(code_of([&] { Slab::allocate(context, 0); }), StatusCode::invalid);
  EXPECT_EQ(code_of([&] { Slab::register_memory(context, {}); }), StatusCode::invalid);
}

/// Counts how often it is asked.
class CountingAccess final : public MemoryAccess {
 public:
  void copy_now(std::byte* target, const std::byte* source, std::size_t bytes) override {
    std::memcpy(target, source, bytes);
    ++copies;
  }

  int copies = 0;
};

TEST(SlabTest, RefusesMemoryThatUcxTakesForAnotherKind) {
  Context context(context_options_for(Path::emulated));
  std::vector<std::byte> memory(4096);
  CountingAccess access;
  try {
    Slab::register_memory(context, memory, MemoryKind::cuda, access);
    FAIL() << "host memory was registered as that of a GPU";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.code(), StatusCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("takes cuda memory for host memory"), std::string::npos) << error.what();
  }
}

TEST(SlabTest, IsReadAndWrittenByTheAccessToItsMemory) {
  Context context(context_options_for(Path::emulated));
  std::vector<std::byte> memory(4096);
  CountingAccess access;
  const Slab slab = Slab::register_memory(context, memory, MemoryKind::host, access);
  const std::array<std::byte, 2> written = {std::byte{1}, std::byte{2}};
  slab.write(10, written);
  EXPECT_EQ(memory[11], std::byte{2});
  std::array<std::byte, 2> found = {};
  slab.read(10, found);
  EXPECT_EQ(found, written);
  EXPECT_EQ(access.copies, 2);
}

TEST(SlabTest, SaysHowMuchSharedMemoryIsMissing) {
  struct statvfs info = {};
  ASSERT_EQ(statvfs("/dev/shm", &info), 0);
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t needed = (info.f_bavail * info.f_frsize + (std::size_t{64} << 20)) / page * page;
  Context context(context_options_for(Path::mapped));
  try {
    Slab::allocate(context, needed);
    FAIL() << "allocated more than there is";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.code(), StatusCode::out_of_memory);
    EXPECT_NE(std::string(error.what()).find(std::to_string(needed)), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("/dev/shm has "), std::string::npos) << error.what();
  }
}

TEST(ContextTest, KnowsWhetherSlabsAreShared) {
  const auto uses_shared_memory = [](const std::string& transports) {
    const ScopedEnvironment environment("UCX_TLS", transports);
    return Context({}).uses_shared_memory();
  };
  EXPECT_TRUE(uses_shared_memory("all"));
  EXPECT_TRUE(uses_shared_memory("tcp,posix"));
  EXPECT_TRUE(uses_shared_memory("sm,tcp"));
  EXPECT_FALSE(uses_shared_memory("tcp,self"));
  EXPECT_FALSE(uses_shared_memory("^sm"));
  EXPECT_TRUE(uses_shared_memory("^tcp"));
}

TEST(ContextTest, AnOptionWinsOverTheEnvironment) {
  const ScopedEnvironment environment("UCX_TLS", "tcp,self");
  EXPECT_FALSE(Context({}).uses_shared_memory());
  EXPECT_TRUE(Context(context_options_for(Path::mapped)).uses_shared_memory());
}

TEST(ContextTest, RefusesOptionsThatLeaveNothing) {
  EXPECT_NE(code_of([] { Context({.transports = "no-such-transport"}); }), StatusCode::ok);
  EXPECT_NE(code_of([] { Context({.transports = "tcp", .interface = "no-such-interface"}); }), StatusCode::ok);
}

TEST(ContextTest, NamesWhatMustBeSetBeforeExec) {
  EXPECT_TRUE(std::ranges::any_of(settings_before_exec(),
                                  [](const auto& setting) { return std::string(setting.name) == "UCX_MEM_EVENTS"; }));
  EXPECT_EQ(ucx_version().front(), '1');
}

}  // namespace
}  // namespace runnel::test
