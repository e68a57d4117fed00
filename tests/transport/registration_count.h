// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace runnel::test {

/// Calls of UCX's ucp_mem_map so far, by this program's own code.
std::uint64_t registration_count();

}  // namespace runnel::test
