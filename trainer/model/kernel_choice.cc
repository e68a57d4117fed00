// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/kernel_choice.h"

#include <ATen/ops/dropout_native.h>
#include <ATen/ops/max_pool2d_native.h>

#include <algorithm>
#include <cstdint>

#include "trainer/model/dropout.h"
#include "trainer/model/linear.h"
#include "trainer/model/max_pool.h"

namespace runnel {
namespace {

bool all_are(at::IntArrayRef values, std::int64_t value) {
  return std::ranges::all_of(values, [value](std::int64_t one) { return one == value; });
}

at::Tensor max_pool2d_kernel(const at::Tensor& input, at::IntArrayRef size, at::IntArrayRef stride,
                             at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode) {
  const bool is_2x2 = all_are(size, 2) && all_are(stride, 2) && all_are(padding, 0) && all_are(dilation, 1);
  if (is_2x2 && !ceil_mode && can_pool_2x2(input)) return max_pool_2x2(input);
  return at::native::max_pool2d(input, size, stride, padding, dilation, ceil_mode);
}

at::Tensor dropout_kernel(const at::Tensor& input, double share, bool training) {
  if (can_drop(input, share)) return dropout(input, share, training);
  return at::native::dropout(input, share, training);
}

torch::Library kernels_for(c10::DispatchKey key) {
  return {torch::Library::IMPL, "aten", key, __FILE__, __LINE__};
}

}  // namespace

KernelChoice::KernelChoice(KernelSet kernels) {
  if (kernels != KernelSet::own) return;
  torch::Library& autograd_cpu = own_.emplace_back(kernels_for(c10::DispatchKey::AutogradCPU));
  autograd_cpu.impl("linear", linear);
  autograd_cpu.impl("max_pool2d", max_pool2d_kernel);
  autograd_cpu.impl("dropout", dropout_kernel);
  own_.emplace_back(kernels_for(c10::DispatchKey::AutogradCUDA)).impl("linear", linear);
  // Without autograd, as in a test.
  own_.emplace_back(kernels_for(c10::DispatchKey::CPU)).impl("max_pool2d", max_pool2d_kernel);
}

}  // namespace runnel
