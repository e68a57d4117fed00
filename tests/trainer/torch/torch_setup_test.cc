// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/torch_setup.h"

#include <ATen/ops/empty.h>
#include <c10/core/CPUAllocator.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace runnel {
namespace {

// As LibTorch's own memory: aligned, and to be held by a bare pointer, as its convolutions do.
TEST(KeepFreedMemory, GivesTensorsAlignedMemory) {
  keep_freed_memory();
  for (const std::int64_t floats : {1, 17, 1000, 1'179'648}) {
    const at::Tensor tensor = at::empty({floats});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data_ptr()) % 64, 0U) << floats;
    std::memset(tensor.data_ptr(), 0xA5, tensor.nbytes());
  }
  void* const bare = c10::GetCPUAllocator()->raw_allocate(1000);
  std::memset(bare, 0xA5, 1000);
  c10::GetCPUAllocator()->raw_deallocate(bare);
}

// A trainer grows by megabytes when a step's largest tensor does not fit into the hole of the one before, because small
// ones that live on lie right behind it.
TEST(KeepFreedMemory, AnEqualTensorFitsIntoTheHoleOfTheLast) {
  keep_freed_memory();
  constexpr std::int64_t kFloats = 1'179'648;
  at::Tensor large = at::empty({kFloats});
  const at::Tensor behind = at::empty({100});
  const void* const hole = large.data_ptr();
  for (int step = 0; step < 10; ++step) {
    large.reset();
    large = at::empty({kFloats});
    EXPECT_EQ(large.data_ptr(), hole) << step;
  }
}

TEST(TorchVersion, HasThreeNumbers) {
  EXPECT_THAT(torch_version(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+.*"));
}

}  // namespace
}  // namespace runnel
