// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "tests/support/pattern.h"
#include "tests/support/peer_process.h"

namespace runnel::test {

/// In several rounds every rank gives a pattern of its own length, which the others check.
inline void exchange_rounds(Bootstrap& bootstrap) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const auto length = [&](int rank) { return static_cast<std::size_t>(rank * 70001 * (round % 3)); };
    const auto seed = [&](int rank) { return static_cast<std::uint64_t>(round * 100 + rank); };
    std::vector<std::byte> mine(length(bootstrap.rank()));
    fill_pattern(mine, seed(bootstrap.rank()));
    const auto all = bootstrap.all_gather(mine, test_deadline());
    ASSERT_EQ(all.size(), static_cast<std::size_t>(bootstrap.size()));
    for (int rank = 0; rank < bootstrap.size(); ++rank) {
      const auto& theirs = all[static_cast<std::size_t>(rank)];
      EXPECT_EQ(theirs.size(), length(rank));
      EXPECT_EQ(first_difference(theirs, seed(rank)), std::nullopt);
    }
    bootstrap.barrier(test_deadline());
  }
}

}  // namespace runnel::test
