// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/machine_facts.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "tests/support/scoped_environment.h"

namespace runnel::test {
namespace {

std::int64_t size_of(const char* folder) {
  struct statvfs info = {};
  EXPECT_EQ(statvfs(folder, &info), 0) << folder;
  return static_cast<std::int64_t>(info.f_blocks * info.f_frsize);
}

TEST(MachineFacts, HaveTheSharedMemoryOfTheFolderThatUcxUses) {
  const char* const folder = "/";
  ASSERT_NE(size_of(folder), size_of("/dev/shm"));
  EXPECT_EQ(read_machine_facts().shared_memory_bytes, size_of("/dev/shm"));
  const ScopedEnvironment variable("UCX_POSIX_DIR", folder);
  const MachineFacts facts = read_machine_facts();
  EXPECT_EQ(facts.shared_memory_folder, folder);
  EXPECT_EQ(facts.shared_memory_bytes, size_of(folder));
  EXPECT_GE(facts.mpi_shared_memory_free_bytes, 0);
}

}  // namespace
}  // namespace runnel::test
