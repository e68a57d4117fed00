// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/remote_read.h"

namespace runnel {

void read_remote(CompletionLoop& loop, const RemoteRegion& region, std::size_t offset, std::span<std::byte> target,
                 const Slab& slab, int rank) {
  const Status status = loop.queue().get(region, offset, target, slab, Tag{.rank = rank}.encode());
  if (!status.ok()) loop.throw_for(status, rank);
  bool here = false;
  loop.wait_until(
      [&](const Completion& completion, const Tag&) { here |= completion.kind == CompletionKind::data_arrived; },
      [&] { return here; }, [rank] { return rank; });
}

}  // namespace runnel
