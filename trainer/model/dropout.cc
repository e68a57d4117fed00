// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>

#include <cmath>
#include <cstdint>
#include <mutex>

#include "runtime/base/random.h"

namespace runnel {
namespace {

SplitMix64 generator_from_torchs() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return SplitMix64(at::check_generator<at::CPUGeneratorImpl>(generator)->random64());
}

}  // namespace

bool can_drop(const at::Tensor& values, double share) {
  return values.is_cpu() && values.scalar_type() == at::kFloat && values.is_contiguous() && share >= 0 && share < 1;
}

at::Tensor dropout(const at::Tensor& values, double share, bool training) {
  if (!training || share == 0) return values;
  SplitMix64 random = generator_from_torchs();
  const auto bound = static_cast<std::uint64_t>(std::llround(std::ldexp(share, 32)));
  const auto kept = static_cast<float>(1 / (1 - share));
  const at::Tensor factors = at::empty_like(values);
  auto* factor = factors.mutable_data_ptr<float>();
  for (std::int64_t left = values.numel(); left > 0; left -= 2) {
    const std::uint64_t bits = random.next();
    *factor++ = (bits >> 32) < bound ? 0.0F : kept;
    if (left > 1) *factor++ = (bits & 0xFFFFFFFFU) < bound ? 0.0F : kept;
  }
  return values * factors;
}

}  // namespace runnel
