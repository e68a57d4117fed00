// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/max_pool.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace runnel {
namespace {

/// Results and gradients are those of LibTorch's pool.
void expect_equal_to_libtorch(const at::Tensor& values) {
  at::Tensor ours = values.clone().requires_grad_();
  at::Tensor theirs = values.clone().requires_grad_();
  const at::Tensor found = max_pool_2x2(ours);
  const at::Tensor expected = at::max_pool2d(theirs, 2);
  EXPECT_TRUE(found.nan_to_num(-1e9).equal(expected.nan_to_num(-1e9)));
  EXPECT_TRUE(found.isnan().equal(expected.isnan()));
  const at::Tensor upstream = at::randn_like(expected);
  (found * upstream).sum().backward();
  (expected * upstream).sum().backward();
  EXPECT_TRUE(ours.grad().equal(theirs.grad()));
}

class MaxPool : public testing::Test {
 protected:
  MaxPool() { at::manual_seed(1); }
};

TEST_F(MaxPool, EqualsLibTorchsForManyShapes) {
  for (const std::int64_t images : {1, 3}) {
    for (const std::int64_t rows : {2, 6, 24}) {
      for (const std::int64_t columns : {8, 16, 24}) {
        SCOPED_TRACE(testing::Message() << images << " images of " << rows << "x" << columns);
        expect_equal_to_libtorch(at::randn({images, 5, rows, columns}));
      }
    }
  }
}

TEST_F(MaxPool, TheFirstOfEqualValuesWins) {
  expect_equal_to_libtorch(at::randint(0, 2, {4, 8, 24, 24}, at::kFloat));
}

TEST_F(MaxPool, NanWins) {
  at::Tensor values = at::randn({2, 8, 8, 16});
  values.masked_fill_(at::randn_like(values).gt(1), std::numeric_limits<double>::quiet_NaN());
  expect_equal_to_libtorch(values);
}

TEST_F(MaxPool, ThreadsChangeNothing) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  expect_equal_to_libtorch(at::randn({40, 16, 24, 24}));
  at::set_num_threads(before);
}

TEST_F(MaxPool, RefusesWhatItCannotPool) {
  for (const at::Tensor& values :
       {at::randn({2, 3, 5, 8}), at::randn({2, 3, 4, 12}), at::randn({3, 4, 8}), at::randn({2, 3, 4, 0}),
        at::randn({2, 3, 0, 8}), at::randn({2, 3, 4, 8}, at::kDouble), at::randn({2, 3, 8, 8}).transpose(2, 3)}) {
    EXPECT_THROW(max_pool_2x2(values), c10::Error) << values.sizes();
  }
}

}  // namespace
}  // namespace runnel
