// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/block_math.h"

#include <algorithm>
#include <array>

#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES void add_two(std::size_t count, const float* __restrict a, const float* __restrict b,
                                  float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

RUNNEL_VECTOR_CLONES void add_four(std::size_t count, const float* __restrict a, const float* __restrict b,
                                   const float* __restrict c, const float* __restrict d, float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = ((a[i] + b[i]) + c[i]) + d[i];
}

RUNNEL_VECTOR_CLONES void add_four_in_tree(std::size_t count, const float* __restrict a, const float* __restrict b,
                                           const float* __restrict c, const float* __restrict d,
                                           float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = (a[i] + b[i]) + (c[i] + d[i]);
}

RUNNEL_VECTOR_CLONES void add_to(std::size_t count, const float* __restrict a, float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += a[i];
}

RUNNEL_VECTOR_CLONES void add_three_to(std::size_t count, const float* __restrict a, const float* __restrict b,
                                       const float* __restrict c, float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = ((sum[i] + a[i]) + b[i]) + c[i];
}

RUNNEL_VECTOR_CLONES void multiply(std::size_t count, const float* values, float factor, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = factor * values[i];
}

// Each level of the tree above the lowest two keeps a strip of 2 KiB: 16 KiB for 1024 gradients.
void sum_strip_in_tree(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* sum) {
  if (gradients.size() <= 2) return sum_gradients(gradients, offset, count, sum);
  if (gradients.size() == 4) {
    return add_four_in_tree(count, gradients[0] + offset, gradients[1] + offset, gradients[2] + offset,
                            gradients[3] + offset, sum);
  }
  const std::size_t half = gradients.size() / 2;
  alignas(64) std::array<float, kStripFloats> second;
  sum_strip_in_tree(gradients.first(half), offset, count, sum);
  sum_strip_in_tree(gradients.subspan(half), offset, count, second.data());
  add_to(count, second.data(), sum);
}

RUNNEL_VECTOR_CLONES void add_squares(std::size_t count, const float* __restrict values, double* __restrict lanes) {
  for (std::size_t i = 0; i + kSquareLanes <= count; i += kSquareLanes) {
    for (std::size_t lane = 0; lane < kSquareLanes; ++lane) {
      const double value = values[i + lane];
      lanes[lane] += value * value;
    }
  }
}

}  // namespace

void sum_gradients(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* sum) {
  if (gradients.size() == 1) {
    std::copy_n(gradients[0] + offset, count, sum);
    return;
  }
  // As many in one loop as registers and streams allow: the partial sum is loaded and stored less often.
  std::size_t next = 2;
  if (gradients.size() < 4) {
    add_two(count, gradients[0] + offset, gradients[1] + offset, sum);
  } else {
    add_four(count, gradients[0] + offset, gradients[1] + offset, gradients[2] + offset, gradients[3] + offset, sum);
    next = 4;
  }
  for (; next + 3 <= gradients.size(); next += 3) {
    add_three_to(count, gradients[next] + offset, gradients[next + 1] + offset, gradients[next + 2] + offset, sum);
  }
  for (; next < gradients.size(); ++next) add_to(count, gradients[next] + offset, sum);
}

void sum_gradients_in_tree(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* sum) {
  for (std::size_t done = 0; done < count; done += kStripFloats) {
    sum_strip_in_tree(gradients, offset + done, std::min(kStripFloats, count - done), sum + done);
  }
}

void mean_of_gradients(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* mean) {
  const auto number = static_cast<double>(gradients.size());
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (const float* gradient : gradients) sum += gradient[offset + i];
    mean[i] = static_cast<float>(sum / number);
  }
}

void scale(const float* values, float factor, std::size_t count, float* out) {
  multiply(count, values, factor, out);
}

double sum_of_squares(const float* values, std::size_t count) {
  std::array<double, kSquareLanes> lanes = {};
  add_squares(count, values, lanes.data());
  for (std::size_t i = count - count % kSquareLanes; i < count; ++i) {
    const double value = values[i];
    lanes[i % kSquareLanes] += value * value;
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace runnel
