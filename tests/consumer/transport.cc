// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses UCX through the transport.
#include <cstdio>

#include "transport/context.h"
#include "transport/slab.h"
#include "transport/worker.h"

int main() {
  runnel::Context context({});
  const runnel::Worker worker(context);
  const runnel::Slab slab = runnel::Slab::allocate(context, 4096);
  std::printf("UCX %s, slab of %zu bytes\n", runnel::ucx_version().c_str(), slab.bytes().size());
  return slab.bytes().size() >= 4096 && !worker.address().empty() ? 0 : 1;
}
