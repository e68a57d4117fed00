// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>
#include <variant>

#include "runtime/reduction/block_math.h"
#include "runtime/reduction/reduce_pass.h"

/// What one thread of a kernel does, in functions that the host's compiler takes as well: tests run them on the CPU,
/// against `HostReducer`, with any number of threads.
namespace runnel::kernel {

/// Neighbours that a thread loads and stores at once: 16 bytes, or a single float at the end of a tensor.
template <int kWidth>
struct [[gnu::may_alias]] alignas(kWidth * sizeof(float)) Lanes {
  float at[kWidth];
};

template <int kWidth>
RUNNEL_HOST_DEVICE Lanes<kWidth> load(const float* from) {
  return *reinterpret_cast<const Lanes<kWidth>*>(from);
}

template <int kWidth>
RUNNEL_HOST_DEVICE void store(float* to, Lanes<kWidth> values) {
  *reinterpret_cast<Lanes<kWidth>*>(to) = values;
}

template <int kWidth>
RUNNEL_HOST_DEVICE Lanes<kWidth> operator+(Lanes<kWidth> a, Lanes<kWidth> b) {
  for (int lane = 0; lane < kWidth; ++lane) a.at[lane] += b.at[lane];
  return a;
}

/// The first part of a pass, as an argument of a kernel: `kCapacity` gradients, or with `kMaxGradients` up to so many.
template <std::size_t kCapacity>
struct Gradients {
  const float* starts[kCapacity];
  int count;
  bool tree;
  float share;
};

/// The sum in a balanced tree of values[kFirst], …, values[kFirst + kCount - 1].
template <int kFirst, int kCount, int kWidth>
RUNNEL_HOST_DEVICE Lanes<kWidth> tree_sum(const Lanes<kWidth>* values) {
  if constexpr (kCount == 1) {
    return values[kFirst];
  } else {
    return tree_sum<kFirst, kCount / 2>(values) + tree_sum<kFirst + kCount / 2, kCount / 2>(values);
  }
}

/// The sum of `kCount` gradients at element `i`. All loads are under way before the first is waited for.
template <int kWidth, int kCount>
RUNNEL_HOST_DEVICE Lanes<kWidth> sum_few(const float* const* starts, bool tree, std::size_t i) {
  Lanes<kWidth> values[kCount];
  for (int k = 0; k < kCount; ++k) values[k] = load<kWidth>(starts[k] + i);
  if (tree) return tree_sum<0, kCount>(values);
  Lanes<kWidth> sum = values[0];
  for (int k = 1; k < kCount; ++k) sum = sum + values[k];
  return sum;
}

/// The sum in order of any number, with four loads under way.
template <int kWidth>
RUNNEL_HOST_DEVICE Lanes<kWidth> sum_many(const float* const* starts, int count, std::size_t i) {
  constexpr int kTogether = 4;
  Lanes<kWidth> sum = load<kWidth>(starts[0] + i);
  for (int first = 1; first < count; first += kTogether) {
    Lanes<kWidth> values[kTogether] = {};
    for (int k = 0; k < kTogether; ++k) {
      if (first + k < count) values[k] = load<kWidth>(starts[first + k] + i);
    }
    for (int k = 0; k < kTogether; ++k) {
      if (first + k < count) sum = sum + values[k];
    }
  }
  return sum;
}

/// The sum in a tree of 16, 32, …, `kMaxGradients`. Sums of eight are added up as the bits of a counter carry: half[k]
/// waits for its other half, of the same 8 * 2^k gradients.
template <int kWidth>
RUNNEL_HOST_DEVICE Lanes<kWidth> sum_many_in_tree(const float* const* starts, int count, std::size_t i) {
  Lanes<kWidth> half[8];
  static_assert(kMaxGradients == 8 << 7);
  Lanes<kWidth> sum = {};
  for (int eight = 0; eight < count / 8; ++eight) {
    sum = sum_few<kWidth, 8>(starts + static_cast<std::ptrdiff_t>(8) * eight, true, i);
    int level = 0;
    for (; (eight >> level) % 2 == 1; ++level) sum = half[level] + sum;
    half[level] = sum;
  }
  return sum;
}

/// The reduced gradient at element `i`. A factor of 1 changes no bit.
template <int kWidth, std::size_t kCapacity>
RUNNEL_HOST_DEVICE Lanes<kWidth> reduced(const Gradients<kCapacity>& gradients, std::size_t i) {
  Lanes<kWidth> sum;
  if constexpr (kCapacity < kMaxGradients) {
    sum = sum_few<kWidth, static_cast<int>(kCapacity)>(gradients.starts, gradients.tree, i);
  } else if (gradients.tree) {
    sum = sum_many_in_tree<kWidth>(gradients.starts, gradients.count, i);
  } else {
    sum = sum_many<kWidth>(gradients.starts, gradients.count, i);
  }
  for (int lane = 0; lane < kWidth; ++lane) sum.at[lane] *= gradients.share;
  return sum;
}

/// The mean of all gradients at element `i`.
template <int kWidth, std::size_t kCapacity>
RUNNEL_HOST_DEVICE Lanes<kWidth> mean(const Gradients<kCapacity>& gradients, std::size_t i) {
  double sums[kWidth] = {};
  for (int k = 0; k < gradients.count; ++k) {
    const Lanes<kWidth> values = load<kWidth>(gradients.starts[k] + i);
    for (int lane = 0; lane < kWidth; ++lane) sums[lane] += values.at[lane];
  }
  Lanes<kWidth> mean;
  for (int lane = 0; lane < kWidth; ++lane) mean.at[lane] = static_cast<float>(sums[lane] / gradients.count);
  return mean;
}

/// The second part of a pass that updates, as an argument of a kernel.
template <typename Formula>
struct Update {
  Formula formula;
  const float* in;
  float* out;
  float* states[2];

  template <int kWidth, std::size_t kCapacity>
  RUNNEL_HOST_DEVICE void at(const Gradients<kCapacity>& gradients, std::size_t i) const {
    Lanes<kWidth> x = load<kWidth>(in + i);
    Lanes<kWidth> s[2];
    for (int k = 0; k < Formula::kStates; ++k) s[k] = load<kWidth>(states[k] + i);
    const Lanes<kWidth> g = reduced<kWidth>(gradients, i);
    for (int lane = 0; lane < kWidth; ++lane) {
      float& value = x.at[lane];
      if constexpr (Formula::kStates == 0) value = formula(g.at[lane], value);
      if constexpr (Formula::kStates == 1) value = formula(g.at[lane], value, s[0].at[lane]);
      if constexpr (Formula::kStates == 2) value = formula(g.at[lane], value, s[0].at[lane], s[1].at[lane]);
    }
    for (int k = 0; k < Formula::kStates; ++k) store(states[k] + i, s[k]);
    store(out + i, x);
  }
};

template <>
struct Update<AverageFormula> {
  AverageFormula formula;
  const float* in;
  float* out;
  float* states[2];

  template <int kWidth, std::size_t kCapacity>
  RUNNEL_HOST_DEVICE void at(const Gradients<kCapacity>& gradients, std::size_t i) const {
    store(out + i, formula.takes_mean ? mean<kWidth>(gradients, i) : reduced<kWidth>(gradients, i));
  }
};

/// The same of a pass that keeps the reduced gradient.
struct Keep {
  float* reduced;

  template <int kWidth, std::size_t kCapacity>
  RUNNEL_HOST_DEVICE void at(const Gradients<kCapacity>& gradients, std::size_t i) const {
    store(reduced + i, kernel::reduced<kWidth>(gradients, i));
  }
};

/// The part of elements [begin, end) that thread `thread` of `threads` does. `begin` is a multiple of 4.
template <std::size_t kCapacity, typename Then>
RUNNEL_HOST_DEVICE void run(const Gradients<kCapacity>& gradients, const Then& then, std::size_t begin, std::size_t end,
                            std::size_t thread, std::size_t threads) {
  const std::size_t whole = end - (end - begin) % 4;
  for (std::size_t i = begin + 4 * thread; i < whole; i += 4 * threads) then.template at<4>(gradients, i);
  for (std::size_t i = whole + thread; i < end; i += threads) then.template at<1>(gradients, i);
}

/// The sum of squares that lane `lane` collects of a block.
RUNNEL_HOST_DEVICE double squares_of_lane(const float* block, std::size_t count, std::size_t lane) {
  double sum = 0;
  for (std::size_t i = lane; i < count; i += kSquareLanes) {
    const double value = block[i];
    sum += value * value;
  }
  return sum;
}

RUNNEL_HOST_DEVICE double add_lanes(const double* lanes) {
  double sum = 0;
  for (std::size_t lane = 0; lane < kSquareLanes; ++lane) sum += lanes[lane];
  return sum;
}

template <std::size_t kCapacity>
Gradients<kCapacity> gradients_of(const ReducePass& pass) {
  Gradients<kCapacity> gradients = {{}, static_cast<int>(pass.gradients.size()), pass.tree, pass.share};
  for (std::size_t i = 0; i < pass.gradients.size(); ++i) gradients.starts[i] = pass.gradients[i];
  return gradients;
}

/// Calls `body(gradients)` with the type that serves their number best.
template <typename Body>
void with_gradients(const ReducePass& pass, const Body& body) {
  assert(!pass.gradients.empty() && pass.gradients.size() <= kMaxGradients);
  switch (pass.gradients.size()) {
    case 1:
      return body(gradients_of<1>(pass));
    case 2:
      return body(gradients_of<2>(pass));
    case 4:
      return body(gradients_of<4>(pass));
    case 8:
      return body(gradients_of<8>(pass));
    default:
      return body(gradients_of<kMaxGradients>(pass));
  }
}

/// Calls `body(update)` with the type of the pass's formula.
template <typename Body>
void with_update(const ReducePass::Update& update, const Body& body) {
  std::visit(
      [&](const auto& formula) {
        body(Update<std::decay_t<decltype(formula)>>{
            formula, update.in, update.out, {update.states[0], update.states[1]}});
      },
      update.formula);
}

}  // namespace runnel::kernel
