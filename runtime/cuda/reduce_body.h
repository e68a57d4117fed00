// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
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

/// The first part of a pass, as an argument of a kernel: `kCapacity` gradients that are added in a balanced tree, or
/// with `kMaxGradients` up to so many in any tree.
template <std::size_t kCapacity>
struct Gradients {
  const float* starts[kCapacity];
  std::uint16_t seats[kCapacity];  // of each share
  std::uint8_t joins[kCapacity];   // after each, as in `SumTree`
  int count;
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

/// The sum of `kCount` gradients at element `i`, in a balanced tree. All loads are under way before the first is waited
/// for.
template <int kWidth, int kCount>
RUNNEL_HOST_DEVICE Lanes<kWidth> sum_few(const float* const* starts, std::size_t i) {
  Lanes<kWidth> values[kCount];
  for (int k = 0; k < kCount; ++k) values[k] = load<kWidth>(starts[k] + i);
  return tree_sum<0, kCount>(values);
}

/// The sum of any number, with four loads under way.
template <int kWidth, std::size_t kCapacity>
RUNNEL_HOST_DEVICE Lanes<kWidth> sum_many(const Gradients<kCapacity>& gradients, std::size_t i) {
  constexpr int kTogether = 4;
  Lanes<kWidth> waiting[SumTree::kMaxWaiting];
  int depth = 0;
  for (int first = 0; first < gradients.count; first += kTogether) {
    Lanes<kWidth> values[kTogether] = {};
    for (int k = 0; k < kTogether; ++k) {
      if (first + k < gradients.count) values[k] = load<kWidth>(gradients.starts[first + k] + i);
    }
    for (int k = 0; k < kTogether && first + k < gradients.count; ++k) {
      Lanes<kWidth> sum = values[k];
      for (int join = gradients.joins[first + k]; join > 0 && depth > 0; --join) sum = waiting[--depth] + sum;
      waiting[depth++] = sum;
    }
  }
  return waiting[0];
}

/// The reduced gradient at element `i`. A factor of 1 changes no bit.
template <int kWidth, std::size_t kCapacity>
RUNNEL_HOST_DEVICE Lanes<kWidth> reduced(const Gradients<kCapacity>& gradients, std::size_t i) {
  Lanes<kWidth> sum;
  if constexpr (kCapacity < kMaxGradients) {
    sum = sum_few<kWidth, static_cast<int>(kCapacity)>(gradients.starts, i);
  } else {
    sum = sum_many<kWidth>(gradients, i);
  }
  for (int lane = 0; lane < kWidth; ++lane) sum.at[lane] *= gradients.share;
  return sum;
}

/// The mean of all gradients at element `i`.
template <int kWidth, std::size_t kCapacity>
RUNNEL_HOST_DEVICE Lanes<kWidth> mean(const Gradients<kCapacity>& gradients, std::size_t i) {
  Lanes<kWidth> waiting[SumTree::kMaxWaiting];
  int seats_waiting[SumTree::kMaxWaiting];
  int depth = 0;
  for (int k = 0; k < gradients.count; ++k) {
    Lanes<kWidth> mean = load<kWidth>(gradients.starts[k] + i);
    int seats = gradients.seats[k];
    for (int join = gradients.joins[k]; join > 0 && depth > 0; --join) {
      const int left = seats_waiting[--depth];
      for (int lane = 0; lane < kWidth; ++lane) {
        mean.at[lane] = mean_of_two(waiting[depth].at[lane], left, mean.at[lane], seats);
      }
      seats += left;
    }
    seats_waiting[depth] = seats;
    waiting[depth++] = mean;
  }
  return waiting[0];
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

/// Whether the shares of `tree`, a power of two of them, are halves, halves of halves and so on: joins carry as the
/// bits of a counter do.
inline bool is_balanced(const SumTree& tree) {
  const auto joins = tree.joins();
  for (std::size_t i = 0; i < joins.size(); ++i) {
    if (joins[i] != std::countr_one(i)) return false;
  }
  return true;
}

template <std::size_t kCapacity>
Gradients<kCapacity> gradients_of(const ReducePass& pass) {
  Gradients<kCapacity> gradients = {{}, {}, {}, static_cast<int>(pass.gradients.size()), pass.share};
  for (std::size_t i = 0; i < pass.gradients.size(); ++i) {
    gradients.starts[i] = pass.gradients[i];
    gradients.seats[i] = pass.tree.seats_of_shares()[i];
    gradients.joins[i] = pass.tree.joins()[i];
  }
  return gradients;
}

/// Calls `body(gradients)` with the type that serves their number best.
template <typename Body>
void with_gradients(const ReducePass& pass, const Body& body) {
  assert(!pass.gradients.empty() && pass.gradients.size() == pass.tree.shares());
  switch (is_balanced(pass.tree) ? pass.gradients.size() : 0) {
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
