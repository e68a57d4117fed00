// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/address_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/transport/code_of.h"
#include "transport/path.h"
#include "transport/slab.h"
#include "transport/status.h"

namespace runnel::test {
namespace {

constexpr std::size_t kPart = 16384;

TEST(AddressWindowTest, ShowsTheSamePagesSideBySide) {
  Context context(context_options_for(Path::mapped));
  std::optional<Slab> first = Slab::allocate(context, 2 * kPart);
  const Slab second = Slab::allocate(context, kPart);
  AddressWindow window(3 * kPart);
  EXPECT_TRUE(std::ranges::all_of(window.bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
  window.overlay(0, first->bytes().last(kPart));
  window.overlay(2 * kPart, second.bytes());
  first->bytes()[kPart] = std::byte{1};
  window.bytes()[kPart - 1] = std::byte{2};
  window.bytes()[kPart] = std::byte{3};
  window.bytes()[2 * kPart] = std::byte{4};
  EXPECT_EQ(window.bytes()[0], std::byte{1});
  EXPECT_EQ(first->bytes()[2 * kPart - 1], std::byte{2});
  EXPECT_EQ(second.bytes()[0], std::byte{4});
  first.reset();
  EXPECT_EQ(window.bytes()[kPart - 1], std::byte{2}) << "pages go away with the slab that they came from";
}

TEST(AddressWindowTest, RefusesWhatDoesNotFit) {
  Context context(context_options_for(Path::mapped));
  const Slab slab = Slab::allocate(context, 2 * kPart);
  AddressWindow window(kPart);
  EXPECT_EQ(code_of([&] { window.overlay(0, slab.bytes()); }), StatusCode::out_of_range);
  EXPECT_EQ(code_of([&] { window.overlay(2 * kPart, slab.bytes().first(kPart)); }), StatusCode::out_of_range);
  EXPECT_EQ(code_of([&] { window.overlay(64, slab.bytes().first(4096)); }), StatusCode::misaligned);
  EXPECT_EQ(code_of([&] { window.overlay(0, slab.bytes().subspan(64, 4096)); }), StatusCode::misaligned);
}

}  // namespace
}  // namespace runnel::test
