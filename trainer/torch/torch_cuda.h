// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

namespace runnel {

/// Loads LibTorch's CUDA libraries, and makes `gpu` the current device of the calling thread.
///
/// A program that links them loads gigabytes of CUDA wherever it runs, so they are loaded at run time, from the folder
/// of libtorch_cpu.so, by processes that need them. Must precede any other use of LibTorch, which decides once whether
/// it has CUDA: at::manual_seed is enough.
///
/// Passes give the same bits for the same step: deterministic convolutions and products, in float32 without TF32.
/// Throws `RunError` (78) when a library is missing or LibTorch cannot use the GPU.
void load_torch_cuda(c10::Device gpu);

}  // namespace runnel
