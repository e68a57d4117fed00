// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

namespace runnel {

/// Loads the half of LibTorch that computes on GPUs, and makes `gpu` the one of the calling thread.
///
/// A program that links that half loads gigabytes of CUDA wherever it runs; so it is loaded, from beside
/// libtorch_cpu.so, by those who need it. Before anything else is asked of LibTorch: whether it has CUDA is decided
/// when something first wants to know, and at::manual_seed does.
///
/// Passes give the same bits for the same step: deterministic convolutions and products, in float32 without TF32.
/// Throws `RunError` (78) when a library is missing or LibTorch cannot use the GPU.
void load_torch_cuda(c10::Device gpu);

}  // namespace runnel
