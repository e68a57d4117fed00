// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses something of each installed library that needs its dependencies: UCX, and nettle behind the layout's
// fingerprint.
#include <cstdio>

#include "runtime/bucket_layout.h"
#include "transport/slab.h"
#include "transport/worker.h"

int main() {
  const runnel::BucketLayout layout({{"weight", {128, 64}}, {"bias", {128}}}, 4 * runnel::kBlockBytes);
  runnel::Context context({});
  const runnel::Worker worker(context);
  const runnel::Slab slab = runnel::Slab::allocate(context, layout.padded_bytes());
  std::printf("UCX %s, slab of %zu bytes, layout %.8s\n", runnel::ucx_version().c_str(), slab.bytes().size(),
              runnel::to_hex(layout.fingerprint()).c_str());
  return slab.bytes().size() >= layout.bytes() && !worker.address().empty() ? 0 : 1;
}
