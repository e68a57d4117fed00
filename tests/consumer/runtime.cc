// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses something of each installed library that needs its dependencies: UCX, nettle behind the layout's fingerprint,
// and the module for CUDA where the build has one.
#include <cstdio>

#include "runtime/device/device_module.h"
#include "runtime/protocol/bucket_layout.h"
#include "transport/slab.h"
#include "transport/worker.h"

int main() {
  const runnel::BucketLayout layout({{"weight", {128, 64}}, {"bias", {128}}}, 4 * runnel::kBlockBytes);
  runnel::Context context({});
  const runnel::Worker worker(context);
  const runnel::Slab slab = runnel::Slab::allocate(context, layout.padded_bytes());
  const runnel::CudaFound cuda = runnel::find_cuda();
  std::printf("UCX %s, slab of %zu bytes, layout %.8s, %d GPUs (%s)\n", runnel::ucx_version().c_str(),
              slab.bytes().size(), runnel::to_hex(layout.fingerprint()).c_str(), cuda.devices, cuda.reason.c_str());
  const bool module_found = cuda.reason.find("cannot be loaded") == std::string::npos;
  return slab.bytes().size() >= layout.bytes() && !worker.address().empty() && module_found ? 0 : 1;
}
