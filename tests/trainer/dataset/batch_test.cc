// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch.h"

#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;

using testing::ElementsAre;

class BatchBuilderTest : public testing::Test {
 protected:
  BatchBuilderTest() { write_idx_folder(folder_.path(), 6, 1); }

  TemporaryFolder folder_;
};

TEST_F(BatchBuilderTest, NormalisesAsLibTorchDoes) {
  const IdxDataset data = IdxDataset::load(folder_.path(), Split::train);
  BatchBuilder builder(data, 4, {0.1307, 0.3081}, c10::DeviceType::CPU);
  const std::vector<std::uint32_t> samples = {5, 0, 3};
  const Batch batch = builder.build(samples);
  EXPECT_THAT(batch.images.sizes(), ElementsAre(3, 1, 28, 28));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto bytes = data.image(samples[i]);
    const at::Tensor raw = at::from_blob(const_cast<std::uint8_t*>(bytes.data()), {1, 28, 28}, at::kByte);
    EXPECT_TRUE(batch.images[static_cast<std::int64_t>(i)].equal(raw.to(at::kFloat).div(255).sub(0.1307).div(0.3081)));
    EXPECT_EQ(batch.labels[static_cast<std::int64_t>(i)].item<std::int64_t>(), data.label(samples[i]));
  }
}

TEST_F(BatchBuilderTest, UsesTheSameMemoryForEachBatch) {
  const IdxDataset data = IdxDataset::load(folder_.path(), Split::train);
  BatchBuilder builder(data, 4, {0, 1}, c10::DeviceType::CPU);
  const std::vector<std::uint32_t> four = {0, 1, 2, 3};
  const std::vector<std::uint32_t> two = {4, 5};
  const Batch first = builder.build(four);
  const Batch second = builder.build(two);
  EXPECT_EQ(first.size(), 4);
  EXPECT_EQ(second.size(), 2);
  EXPECT_EQ(second.images.const_data_ptr(), first.images.const_data_ptr());
  EXPECT_EQ(second.labels.const_data_ptr(), first.labels.const_data_ptr());
}

}  // namespace
}  // namespace runnel
