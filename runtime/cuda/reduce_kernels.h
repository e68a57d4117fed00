// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include "runtime/reduction/reduce_pass.h"

namespace runnel {

/// Gives the pass to `stream`, of the calling thread's device. Waits for nothing, allocates nothing.
cudaError_t launch_reduce(const ReducePass& pass, cudaStream_t stream);

}  // namespace runnel
