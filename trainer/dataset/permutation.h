// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>

namespace runnel {

/// Brings `numbers` into a random order that `seed` draws, the same on every machine: std::shuffle's differs from one
/// standard library to another. Any thread.
void shuffle(std::span<std::uint32_t> numbers, std::uint64_t seed);

}  // namespace runnel
