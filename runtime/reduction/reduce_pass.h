// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <variant>

#include "runtime/reduction/sum_tree.h"
#include "runtime/reduction/update_formulas.h"

namespace runnel {

/// The most gradients that a pass can add: the maximum of trainer.count. Their addresses and the order of the
/// sum are an argument of the kernel, 11 KiB of the 32 KiB that CUDA allows.
inline constexpr std::size_t kMaxGradients = kMaxSeats;

/// A part of the generator's pass over memory, as it is submitted to a `DeviceStream`. Plain data; tensors are given by
/// device addresses, which are multiples of 16 bytes.
struct ReducePass {
  /// The optimizer's step with the reduced gradient, from `in` to `out`, or the reduced gradient itself as `out`.
  struct Update {
    UpdateFormula formula;
    const float* in;
    float* out;
    std::array<float*, 2> states;  ///< as many as the formula has
  };

  /// Where the reduced gradient is kept until the norm of all of it is known, and the sum of squares (block_math.h) of
  /// each of its blocks of `kBlockFloats`.
  struct Keep {
    float* reduced;
    double* block_squares;
  };

  std::span<const float* const> gradients;  ///< where each begins; this array lies in host memory, and is read at once
  const SumTree& tree;                      ///< in which they are added, a gradient a share; read at once
  float share;                              ///< of the sum, that is the reduced gradient
  std::size_t begin;                        ///< index of the first float; a multiple of `kBlockFloats`
  std::size_t end;
  std::variant<Update, Keep> then;
};

}  // namespace runnel
