// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Compiles a function for AVX2 and AVX-512 as well and lets the loader choose: twice the speed of the baseline for the
/// loops over parameters. Their bits do not depend on the choice, because addition, multiplication, division and square
/// root are rounded alike at every width and contraction to fused multiply-add is off (runtime/CMakeLists.txt).
///
/// The loader's choice runs before ThreadSanitizer is set up, and crashes under it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RUNNEL_VECTOR_CLONES
#endif
#endif
#if defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#define RUNNEL_VECTOR_CLONES
#endif
#ifndef RUNNEL_VECTOR_CLONES
#define RUNNEL_VECTOR_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
