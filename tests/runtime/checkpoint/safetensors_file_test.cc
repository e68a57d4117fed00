// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

// Files that are missing, or that cannot be written.
namespace runnel {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;

template <class Action>
void expect_error_naming(const std::filesystem::path& path, ExitStatus status, Action&& action) {
  try {
    action();
    FAIL() << path;
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
  }
}

TEST(SafetensorsFile, IsNamedWhereItIsMissing) {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path() / "none", folder.path()}) {
    expect_error_naming(path, ExitStatus::input_missing, [&] { const SafetensorsFile file(path); });
  }
}

TEST(SafetensorsFile, IsNamedWhereItCannotBeWrittenAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::vector<StoredTensor> tensors = {{"a", ElementType::float32, {0}, {}}};
  for (const auto& path : {folder.path() / "none" / "model.safetensors", folder.path()}) {
    expect_error_naming(path, ExitStatus::cannot_create, [&] { write_safetensors(path, tensors); });
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace runnel
