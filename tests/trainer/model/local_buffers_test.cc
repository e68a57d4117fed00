// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/local_buffers.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "tests/trainer/model/kinds_model.h"

namespace runnel {
namespace {

using test::Process;

TEST(LocalBuffers, TravelBetweenProcesses) {
  for (const bool exchanges_buffers : {true, false}) {
    const Process trainer(5, exchanges_buffers);
    const Process generator(0, exchanges_buffers);
    std::vector<std::byte> bytes(local_buffer_bytes(trainer.tensors));
    EXPECT_EQ(bytes.size(), 8U + 16 + 3 + (exchanges_buffers ? 0 : 12));
    read_local_buffers(trainer.tensors, bytes);
    write_local_buffers(generator.tensors, bytes);
    for (const char* name : {"count", "precise", "flags"}) {
      EXPECT_TRUE(at::equal(generator.value(name), trainer.value(name))) << name;
    }
    EXPECT_EQ(at::equal(generator.value("mean"), trainer.value("mean")), !exchanges_buffers);
    EXPECT_FALSE(at::equal(generator.value("frozen"), trainer.value("frozen")));
  }
}

}  // namespace
}  // namespace runnel
