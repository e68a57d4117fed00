// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RUNNEL_TEST_SANITIZER_ALLOCATES 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNNEL_TEST_SANITIZER_ALLOCATES 1
#endif

namespace runnel::test {

/// Sanitizers bring their own operator new, which does not count.
#ifdef RUNNEL_TEST_SANITIZER_ALLOCATES
inline constexpr bool kCountsAllocations = false;
#else
inline constexpr bool kCountsAllocations = true;
#endif

/// Calls of operator new so far, in all threads of this program.
std::uint64_t allocation_count();

}  // namespace runnel::test
