// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace runnel::test {

/// Calls of operator new so far, in all threads of this program.
std::uint64_t allocation_count();

}  // namespace runnel::test
