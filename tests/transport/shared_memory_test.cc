// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/shared_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <optional>
#include <thread>

#include "tests/support/strict_log.h"
#include "tests/support/tiny_shared_memory.h"
#include "tests/transport/code_of.h"
#include "transport/path.h"
#include "transport/slab.h"
#include "transport/worker.h"

namespace runnel::test {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

/// What a thread finds when it allocates.
struct Attempt {
  StatusCode code = StatusCode::ok;
  std::optional<Slab> slab;
};

/// Allocates a slab of `bytes` as soon as every thread of `start` is about to.
Attempt allocate(Context& context, std::size_t bytes, std::barrier<>& start) {
  Attempt attempt;
  start.arrive_and_wait();
  attempt.code = code_of([&] { attempt.slab.emplace(Slab::allocate(context, bytes)); });
  return attempt;
}

// UCX leaves posix out below 16 MiB, and crashes a little above, unless Context prevents both.
TEST(SharedMemoryTest, OfAnySizeHoldsAWorkerOrRefusesIt) {
  for (const std::size_t kib :
       {4u, 64u, 256u, 512u, 572u, 576u, 580u, 768u, 1024u, 4096u, 15872u, 16384u, 16640u, 16896u, 17408u, 65536u}) {
    SCOPED_TRACE(std::to_string(kib) + " KiB");
    const TinySharedMemory memory(kib * kKiB);
    if (!memory.why_not().empty()) {
      GTEST_SKIP() << "SKIPPED, NOT TESTED: no /dev/shm of its own: " << memory.why_not();
    }
    const StrictLog log;
    Context context(context_options_for(Path::mapped));
    const std::size_t before = mapped_shared_memory();
    std::optional<Worker> worker;
    const StatusCode code = code_of([&] { worker.emplace(context); });
    EXPECT_EQ(code, kib * kKiB < kWorkerSharedBytes ? StatusCode::out_of_memory : StatusCode::ok);
    if (code != StatusCode::ok) continue;
    const std::size_t taken = mapped_shared_memory() - before;
    EXPECT_GT(taken, 0u);
    EXPECT_LE(taken, kWorkerSharedBytes);
  }
}

TEST(SharedMemoryTest, HoldsWhatAContextCountsOrRefusesItBeforeUcxStarts) {
  const TinySharedMemory memory(2 * kMiB);
  if (!memory.why_not().empty()) {
    GTEST_SKIP() << "SKIPPED, NOT TESTED: no /dev/shm of its own: " << memory.why_not();
  }
  ContextOptions options = context_options_for(Path::mapped);
  options.shared_bytes = 2 * kMiB;
  EXPECT_EQ(code_of([&] { Context{options}; }), StatusCode::ok);
  options.shared_bytes = 2 * kMiB + 1;
  try {
    Context context(options);
    FAIL() << "started without the memory that it will need";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.code(), StatusCode::out_of_memory);
    EXPECT_EQ(std::string(error.what())
                  .find("this process needs 2097153 bytes of shared memory and /dev/shm has "
                        "2097152 free"),
              0u)
        << error.what();
  }
  options = context_options_for(Path::emulated);
  options.shared_bytes = 4 * kMiB;
  EXPECT_EQ(code_of([&] { Context{options}; }), StatusCode::ok) << "this path needs none";
}

// Both find enough when they look; one of them would get private memory.
TEST(SharedMemoryTest, IsNeverReplacedByPrivateMemoryWhenTwoAllocateAtOnce) {
  constexpr std::size_t kBytes = 24 * kMiB;
  const TinySharedMemory memory(32 * kMiB);
  if (!memory.why_not().empty()) {
    GTEST_SKIP() << "SKIPPED, NOT TESTED: no /dev/shm of its own: " << memory.why_not();
  }
  std::array<Context, 2> contexts{Context(context_options_for(Path::mapped)),
                                  Context(context_options_for(Path::mapped))};
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::size_t before = mapped_shared_memory();
    std::barrier<> start(2);
    std::array<Attempt, 2> attempts;
    std::thread other([&] { attempts[1] = allocate(contexts[1], kBytes, start); });
    attempts[0] = allocate(contexts[0], kBytes, start);
    other.join();
    std::size_t allocated = 0;
    for (const Attempt& attempt : attempts) {
      EXPECT_EQ(attempt.code, attempt.slab ? StatusCode::ok : StatusCode::out_of_memory);
      if (attempt.slab) allocated += kBytes;
    }
    EXPECT_EQ(mapped_shared_memory() - before, allocated) << "a slab is not in shared memory";
  }
}

}  // namespace
}  // namespace runnel::test
