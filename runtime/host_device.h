// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Marks a function that nvcc compiles for the device as well; for other compilers a plain inline function.
#ifdef __CUDACC__
#define RUNNEL_HOST_DEVICE __host__ __device__ inline
#else
#define RUNNEL_HOST_DEVICE inline
#endif
