// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "tests/transport/link.h"
#include "tests/transport/rows.h"

// Every allocation of a thread, UCX's included, is counted by standing in for the C library's functions, which a
// sanitizer does itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNNEL_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RUNNEL_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef RUNNEL_COUNTS_ALLOCATIONS
#define RUNNEL_COUNTS_ALLOCATIONS 1
#endif

static thread_local std::size_t allocations = 0;

#if RUNNEL_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(old, bytes);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) {
  ++allocations;
  *result = __libc_memalign(alignment, bytes);
  return *result == nullptr ? ENOMEM : 0;
}
}
#endif

namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = 65536;
constexpr std::uint64_t kWarmUpSteps = 200;
constexpr std::uint64_t kSteps = 500;

class AllocationTest : public OnEachPath {};

/// Steps as a generator and a trainer make them: a payload with its bell, and the answer.
std::size_t allocations_in_steps(Link& link, std::uint64_t begin, std::uint64_t end) {
  const std::size_t before = allocations;
  for (std::uint64_t step = begin; step < end; ++step) {
    throw_unless_ok(link.queue.put_and_ring(link.region, kPayloadOffset, link.payload(), link.slab, link.remote_bell,
                                            step, kPutTag));
    link.await_bell(step);
    throw_unless_ok(link.queue.get(link.region, kPayloadOffset, link.payload(), link.slab, kGetTag));
    while (link.queue.in_flight() > 0) link.next();
  }
  return allocations - before;
}

std::size_t allocations_after_warm_up(Link& link) {
  allocations_in_steps(link, 2, 2 + kWarmUpSteps);
  return allocations_in_steps(link, 2 + kWarmUpSteps, 2 + kWarmUpSteps + kSteps);
}

RUNNEL_PEER(stepper) {
  Link link(bootstrap, path_of(arguments), kPayloadBytes);
  allocations_after_warm_up(link);
  link.barrier();
}

TEST_P(AllocationTest, AStepAllocatesNothing) {
  if (RUNNEL_COUNTS_ALLOCATIONS == 0)
    GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for the C library's malloc";
  const std::size_t before = allocations;
  delete new volatile int(1);
  ASSERT_GT(allocations, before) << "the counter is blind";
  PeerProcesses peer("stepper", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  // UCX's own pools may still grow once or twice, by how operations happen to overlap; what a step allocates would show
  // once a step.
  EXPECT_LT(allocations_after_warm_up(link), kSteps / 20);
  link.barrier();
}

RUNNEL_ON_EACH_PATH(AllocationTest);

}  // namespace
}  // namespace runnel::test
