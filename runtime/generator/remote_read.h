// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "runtime/fabric/completion_loop.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// Reads from `offset` of the region of `rank` into `target`, a part of `slab`, and returns when the bytes are there.
/// Bells that are rung meanwhile are dropped. Throws as `CompletionLoop::wait_until`.
void read_remote(CompletionLoop& loop, const RemoteRegion& region, std::size_t offset, std::span<std::byte> target,
                 const Slab& slab, int rank);

}  // namespace runnel
