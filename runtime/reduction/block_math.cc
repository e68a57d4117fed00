// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/block_math.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "runtime/reduction/update_formulas.h"
#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES void add_two(std::size_t count, const float* __restrict a, const float* __restrict b,
                                  float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

RUNNEL_VECTOR_CLONES void add_four_in_tree(std::size_t count, const float* __restrict a, const float* __restrict b,
                                           const float* __restrict c, const float* __restrict d,
                                           float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] = (a[i] + b[i]) + (c[i] + d[i]);
}

RUNNEL_VECTOR_CLONES void add_to(std::size_t count, const float* __restrict a, float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += a[i];
}

// Equal parts, which most are: the division is exact.
RUNNEL_VECTOR_CLONES void mean_of_halves(std::size_t count, const float* a, const float* b, float* mean) {
  for (std::size_t i = 0; i < count; ++i) {
    mean[i] = static_cast<float>((static_cast<double>(a[i]) + static_cast<double>(b[i])) * 0.5);
  }
}

RUNNEL_VECTOR_CLONES void mean_of_parts(std::size_t count, const float* a, double seats_a, const float* b,
                                        double seats_b, float* mean) {
  for (std::size_t i = 0; i < count; ++i) mean[i] = mean_of_two(a[i], seats_a, b[i], seats_b);
}

RUNNEL_VECTOR_CLONES void multiply(std::size_t count, const float* values, float factor, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = factor * values[i];
}

/// What joins two sums that wait, and four gradients at once where the tree allows it.
struct Sum {
  static constexpr bool kTakesFour = true;

  static void join(std::size_t count, const float* left, std::size_t, const float* right, std::size_t, float* sum) {
    if (left == sum) return add_to(count, right, sum);
    add_two(count, left, right, sum);
  }
};

struct Mean {
  static constexpr bool kTakesFour = false;

  static void join(std::size_t count, const float* left, std::size_t left_seats, const float* right,
                   std::size_t right_seats, float* mean) {
    if (left_seats == right_seats) return mean_of_halves(count, left, right, mean);
    mean_of_parts(count, left, static_cast<double>(left_seats), right, static_cast<double>(right_seats), mean);
  }
};

/// One strip of the gradients, from `offset` on, on its way to the result.
template <class Join>
class StripFold {
 public:
  StripFold(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset, std::size_t count,
            float* result)
      : tree_(tree), gradients_(gradients), offset_(offset), count_(count), result_(result) {}

  void run() {
    while (next_ < gradients_.size()) {
      std::size_t joins = takes_four() ? take_four() : take_one();
      for (; joins > 0; --joins) join();
    }
    if (waiting_[0].floats != result_) std::copy_n(waiting_[0].floats, count_, result_);
  }

 private:
  struct Part {
    const float* floats;
    std::size_t seats;
  };

  bool takes_four() const {
    const auto joins = tree_.joins().subspan(next_);
    return Join::kTakesFour && joins.size() >= 4 && joins[0] == 0 && joins[1] == 1 && joins[2] == 0 && joins[3] >= 2;
  }

  std::size_t take_one() {
    waiting_[depth_++] = {gradients_[next_] + offset_, tree_.seats_of_shares()[next_]};
    return tree_.joins()[next_++];
  }

  std::size_t take_four() {
    const auto four = gradients_.subspan(next_, 4);
    const std::size_t joins = tree_.joins()[next_ + 3] - 2U;
    next_ += 4;
    float* const sum = place(depth_);
    add_four_in_tree(count_, four[0] + offset_, four[1] + offset_, four[2] + offset_, four[3] + offset_, sum);
    waiting_[depth_++] = {sum, 0};
    return joins;
  }

  void join() {
    --depth_;
    const Part right = waiting_[depth_];
    const Part left = waiting_[depth_ - 1];
    float* const joined = place(depth_ - 1);
    Join::join(count_, left.floats, left.seats, right.floats, right.seats, joined);
    waiting_[depth_ - 1] = {joined, left.seats + right.seats};
  }

  /// Where the sum at `depth` goes. Nothing waits below the lowest.
  float* place(std::size_t depth) { return depth == 0 ? result_ : partial_[depth - 1].data(); }

  const SumTree& tree_;
  std::span<const float* const> gradients_;
  std::size_t offset_;
  std::size_t count_;
  float* result_;
  std::size_t next_ = 0;   // gradient
  std::size_t depth_ = 0;  // how many wait
  std::array<Part, SumTree::kMaxWaiting> waiting_ = {};
  alignas(64) std::array<std::array<float, kStripFloats>, SumTree::kMaxWaiting> partial_;
};

template <class Join>
void fold(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset, std::size_t count,
          float* result) {
  assert(gradients.size() == tree.shares());
  for (std::size_t done = 0; done < count; done += kStripFloats) {
    StripFold<Join>(tree, gradients, offset + done, std::min(kStripFloats, count - done), result + done).run();
  }
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

void sum_gradients(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset, std::size_t count,
                   float* sum) {
  fold<Sum>(tree, gradients, offset, count, sum);
}

void mean_of_gradients(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset,
                       std::size_t count, float* mean) {
  fold<Mean>(tree, gradients, offset, count, mean);
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
