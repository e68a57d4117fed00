// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

TEST(SafetensorsWriter, KeepsTextsAndTheDigestOfEachTensor) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.safetensors";
  const std::vector<float> large(300'000, 1.5F);  // more than is hashed at a time
  const std::vector<std::int64_t> count = {7};
  const std::vector<StoredTensor> tensors = {
      {"large", ElementType::float32, {300'000}, std::as_bytes(std::span(large))},
      {"count", ElementType::int64, {}, std::as_bytes(std::span(count))},
      {"empty", ElementType::float32, {0}, {}}};
  const HashedFile written = write_hashed_safetensors(file, tensors, {{"by", "a \"test\""}});
  const SafetensorsFile opened(file);
  EXPECT_EQ(opened.metadata().at("by"), "a \"test\"");
  EXPECT_EQ(opened.metadata().at("format"), "pt");
  for (const StoredTensor& tensor : tensors) {
    EXPECT_EQ(opened.metadata().at(digest_key(tensor.name)), to_hex(sha256(tensor.bytes)));
    EXPECT_TRUE(std::ranges::equal(opened.find(tensor.name)->bytes, tensor.bytes));
  }
  EXPECT_EQ(written.bytes, std::filesystem::file_size(file));
  EXPECT_EQ(written.header, sha256(opened.header()));
}

}  // namespace
}  // namespace runnel
