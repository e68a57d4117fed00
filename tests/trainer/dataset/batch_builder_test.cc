// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch_builder.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/dataset/idx_dataset.h"

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
  const IdxDataset data({.folder = folder_.path()});
  BatchBuilder builder(data, 4, c10::DeviceType::CPU);
  const std::vector<std::uint32_t> samples = {5, 0, 3};
  const Batch batch = builder.build({.samples = samples});
  EXPECT_THAT(batch.fields[0].sizes(), ElementsAre(3, 1, 28, 28));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto bytes = data.image(samples[i]);
    const at::Tensor raw = at::from_blob(const_cast<std::uint8_t*>(bytes.data()), {1, 28, 28}, at::kByte);
    EXPECT_TRUE(
        batch.fields[0][static_cast<std::int64_t>(i)].equal(raw.to(at::kFloat).div(255).sub(0.1307).div(0.3081)));
    EXPECT_EQ(batch.target()[static_cast<std::int64_t>(i)].item<std::int64_t>(), data.label(samples[i]));
  }
}

TEST_F(BatchBuilderTest, UsesTheSameMemoryForEachBatch) {
  const IdxDataset data({.folder = folder_.path()});
  BatchBuilder builder(data, 4, c10::DeviceType::CPU);
  const std::vector<std::uint32_t> four = {0, 1, 2, 3};
  const std::vector<std::uint32_t> two = {4, 5};
  const Batch first = builder.build({.samples = four});
  const Batch second = builder.build({.samples = two});
  EXPECT_EQ(first.size(), 4);
  EXPECT_EQ(second.size(), 2);
  EXPECT_EQ(second.fields[0].const_data_ptr(), first.fields[0].const_data_ptr());
  EXPECT_EQ(second.fields[1].const_data_ptr(), first.fields[1].const_data_ptr());
}

TEST_F(BatchBuilderTest, AnEmptyBatchHasAllFields) {
  const IdxDataset data({.folder = folder_.path()});
  BatchBuilder builder(data, 4, c10::DeviceType::CPU);
  const Batch batch = builder.build({});
  EXPECT_EQ(batch.size(), 0);
  ASSERT_EQ(batch.fields.size(), 2U);
  EXPECT_THAT(batch.fields[0].sizes(), ElementsAre(0, 1, 28, 28));
  EXPECT_THAT(batch.target().sizes(), ElementsAre(0));
}

/// Three fields of other types and shapes than images. Field f of sample s is filled with 10 s + f.
class ThreeFields final : public Dataset {
 public:
  std::int64_t size() const override { return 5; }
  const std::vector<Field>& fields() const override { return fields_; }

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    for (std::size_t field = 0; field < fields_.size(); ++field) {
      ASSERT_TRUE(batch.fields[field].is_contiguous());
      for (std::size_t i = 0; i < samples.size(); ++i) {
        batch.fields[field][static_cast<std::int64_t>(i)].fill_(static_cast<std::int64_t>(10 * samples[i] + field));
      }
    }
  }

 private:
  std::vector<Field> fields_ = {{.name = "tokens", .type = at::kLong, .shape = {7}},
                                {.name = "table", .type = at::kFloat, .shape = {2, 3}},
                                {.name = "target", .type = at::kByte, .shape = {}}};
};

TEST(BatchBuilder, GivesFieldsTheTypesAndShapesOfTheDataSet) {
  const ThreeFields data;
  BatchBuilder builder(data, 100, c10::DeviceType::CPU);
  const std::vector<std::uint32_t> samples = {4, 1, 1};
  const Batch batch = builder.build({.samples = samples});
  EXPECT_EQ(batch.size(), 3);
  ASSERT_EQ(batch.fields.size(), 3U);
  EXPECT_TRUE(batch.fields[0].equal(at::tensor({40, 10, 10}, at::kLong).unsqueeze(1).expand({3, 7})));
  EXPECT_TRUE(batch.fields[1].equal(at::tensor({41, 11, 11}, at::kFloat).view({3, 1, 1}).expand({3, 2, 3})));
  EXPECT_TRUE(batch.target().equal(at::tensor({42, 12, 12}, at::kByte)));
}

}  // namespace
}  // namespace runnel
