// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/max_pool.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace runnel {
namespace {

// Four results at a time, in the vectors that every x86-64 has. Not every compiler vectorises plain loops over rows as
// short as 12 results.
using Floats = float __attribute__((vector_size(16)));
using Ints = std::int32_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(4)));
constexpr std::int64_t kLanes = 4;

template <typename Vector>
Vector load(const void* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector>
void store(Vector vector, void* to) {
  std::memcpy(to, &vector, sizeof vector);
}

/// One row of results from two rows of `2 * columns` values. `places` gets the index of the largest of the four, row by
/// row.
void pool_row(const float* upper, const float* lower, std::int64_t columns, float* results, std::uint8_t* places) {
  for (std::int64_t i = 0; i < columns; i += kLanes) {
    const auto upper_left = load<Floats>(upper + 2 * i);
    const auto upper_right = load<Floats>(upper + 2 * i + kLanes);
    const auto lower_left = load<Floats>(lower + 2 * i);
    const auto lower_right = load<Floats>(lower + 2 * i + kLanes);
    Floats largest = __builtin_shufflevector(upper_left, upper_right, 0, 2, 4, 6);
    Ints place = {};
    const auto consider = [&](Floats value, std::int32_t at) {
      const Ints take = (value > largest) | (value != value);  // NaN wins, as in LibTorch
      largest = take ? value : largest;
      place = take ? Ints{} + at : place;
    };
    consider(__builtin_shufflevector(upper_left, upper_right, 1, 3, 5, 7), 1);
    consider(__builtin_shufflevector(lower_left, lower_right, 0, 2, 4, 6), 2);
    consider(__builtin_shufflevector(lower_left, lower_right, 1, 3, 5, 7), 3);
    store(largest, results + i);
    store(__builtin_convertvector(place, Bytes), places + i);
  }
}

/// The reverse for gradients: each goes to its place, the other three are zero.
void spread_row(const float* gradients, const std::uint8_t* places, std::int64_t columns, float* upper, float* lower) {
  for (std::int64_t i = 0; i < columns; i += kLanes) {
    const auto gradient = load<Floats>(gradients + i);
    const Ints place = __builtin_convertvector(load<Bytes>(places + i), Ints);
    const auto interleave = [&](std::int32_t even, float* to) {
      const Floats evens = place == even ? gradient : Floats{};
      const Floats odds = place == even + 1 ? gradient : Floats{};
      store(__builtin_shufflevector(evens, odds, 0, 4, 1, 5), to);
      store(__builtin_shufflevector(evens, odds, 2, 6, 3, 7), to + kLanes);
    };
    interleave(0, upper + 2 * i);
    interleave(2, lower + 2 * i);
  }
}

/// Calls `row(r)` for each row of results in `pooled`, on LibTorch's threads.
template <typename Row>
void for_each_row(const at::Tensor& pooled, Row row) {
  constexpr std::int64_t kRowsWorthAThread = 1024;
  at::parallel_for(0, pooled.numel() / pooled.size(3), kRowsWorthAThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) row(r);
  });
}

class MaxPoolBackward final : public torch::autograd::Node {
 public:
  MaxPoolBackward(const at::Tensor& input, at::Tensor places)
      : Node(torch::autograd::collect_next_edges(input)), places_(std::move(places)) {}

 private:
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    const at::Tensor gradient = gradients[0].contiguous();
    const std::int64_t columns = places_.size(3);
    at::Tensor spread = at::empty({places_.size(0), places_.size(1), 2 * places_.size(2), 2 * columns}, at::kFloat);
    const auto* from = gradient.const_data_ptr<float>();
    const auto* places = places_.const_data_ptr<std::uint8_t>();
    auto* to = spread.mutable_data_ptr<float>();
    for_each_row(places_, [=](std::int64_t row) {
      float* const upper = to + row * 4 * columns;
      spread_row(from + row * columns, places + row * columns, columns, upper, upper + 2 * columns);
    });
    return {spread};
  }

  void release_variables() override { places_.reset(); }

  at::Tensor places_;
};

}  // namespace

bool can_pool_2x2(const at::Tensor& input) {
  const bool fits = input.dim() == 4 && input.size(2) > 0 && input.size(2) % 2 == 0 && input.size(3) > 0 &&
                    input.size(3) % (2 * kLanes) == 0;
  return fits && input.is_contiguous() && input.is_cpu() && input.scalar_type() == at::kFloat;
}

at::Tensor max_pool_2x2(const at::Tensor& input) {
  TORCH_CHECK(can_pool_2x2(input),
              "max_pool_2x2: expected contiguous float32 planes on the CPU, with an even number of rows and a multiple "
              "of 8 columns, found ",
              input.toString(), " ", input.sizes());
  const std::int64_t columns = input.size(3) / 2;
  const auto shape = {input.size(0), input.size(1), input.size(2) / 2, columns};
  const at::Tensor pooled = at::empty(shape, at::kFloat);
  const at::Tensor places = at::empty(shape, at::kByte);
  const auto* from = input.const_data_ptr<float>();
  auto* to = pooled.mutable_data_ptr<float>();
  auto* place = places.mutable_data_ptr<std::uint8_t>();
  for_each_row(pooled, [=](std::int64_t row) {
    const float* const upper = from + row * 4 * columns;
    pool_row(upper, upper + 2 * columns, columns, to + row * columns, place + row * columns);
  });
  if (at::GradMode::is_enabled() && input.requires_grad()) {
    torch::autograd::set_history(pooled, std::make_shared<MaxPoolBackward>(input, places));
  }
  return pooled;
}

}  // namespace runnel
