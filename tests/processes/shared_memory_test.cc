// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/processes/runnel_program.h"
#include "tests/support/tiny_shared_memory.h"

/// Jobs with less shared memory than they need, or just enough: status 71 with needed and free bytes, or a run whose
/// slabs are all mapped. tests/shm_sweep.sh tries every size.
namespace runnel::test {
namespace {

constexpr std::size_t kKiB = 1024;

class SharedMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    const TinySharedMemory memory(1024 * kKiB);
    if (!memory.why_not().empty()) {
      GTEST_SKIP() << "SKIPPED, NOT TESTED: no /dev/shm of its own: " << memory.why_not();
    }
  }

  /// `script` in bash, with /dev/shm of `kib` KiB.
  static std::vector<std::string> with_memory(std::size_t kib, const std::string& script) {
    return {"unshare", "--mount", "bash", "-c",
            "mount -t tmpfs -o size=" + std::to_string(kib) + "k tmpfs /dev/shm && " + script};
  }

  /// `runnel train` with two trainers, its report in `report` of the program's folder.
  std::string train(const std::string& report) const {
    return std::string(RUNNEL_PROGRAM) + " train " + program_.config() + " -n 2 --set run.max_gradients=4" +
           " --set transport.require=mapped --report " + (program_.folder() / report).string();
  }

  void expect_all_mapped(const std::string& report) const {
    const auto read = nlohmann::json::parse(std::ifstream(program_.folder() / report));
    ASSERT_EQ(read["paths"].size(), 2u);
    for (const auto& path : read["paths"]) EXPECT_EQ(path["path"], "mapped") << path;
  }

  RunnelProgram program_;
};

TEST_F(SharedMemoryTest, ThatIsShortEndsAJobWithNeededAndFreeBytes) {
  // From less than a worker takes, over where UCX leaves posix out and where it crashed, to a little less than needed.
  for (const std::size_t kib : {256u, 1024u, 12288u, 16384u, 16640u, 29184u, 29440u}) {
    SCOPED_TRACE(std::to_string(kib) + " KiB");
    Job job({.argv = with_memory(kib, "exec " + train("report.json"))});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 71);
    EXPECT_NE(job.output().find(" bytes of shared memory and /dev/shm has "), std::string::npos) << job.output();
  }
}

TEST_F(SharedMemoryTest, ThatCannotBeWrittenEndsAJobWithTheRemedy) {
  const std::string mount = "mount -t tmpfs -o ro tmpfs /dev/shm && exec ";
  Job job({.argv = {"unshare", "--mount", "bash", "-c", mount + train("report.json")}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 71);
  EXPECT_NE(job.output().find("/dev/shm cannot be written: Read-only file system; mount it writable"),
            std::string::npos)
      << job.output();
}

TEST_F(SharedMemoryTest, ThatSufficesIsMapped) {
  Job job({.argv = with_memory(34816, "exec " + train("report.json"))});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  expect_all_mapped("report.json");
}

// There is room for 1.8 jobs. Both generators find enough for their last large slab before either allocates it; from
// UCX alone the second would get private memory, which no peer maps.
TEST_F(SharedMemoryTest, IsMappedOrRefusedWhenTwoJobsAllocateTogether) {
  const std::string met = program_.folder() / "met";
  const std::string both =
      train("first.json") + " & first=$!; " + train("second.json") + "; echo second=$?.; wait $first; echo first=$?.";
  Job job({.argv = with_memory(60416, both),
           .environment = {{"LD_PRELOAD", RUNNEL_UCX_INTERPOSER}, {"RUNNEL_TEST_TOGETHER", "2:" + met}}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(90)), 0) << job.output();
  EXPECT_EQ(std::filesystem::file_size(met), 2U) << "not both have come to allocate: what is this test for?";
  for (const std::string name : {"first", "second"}) {
    const bool is_done = job.output().find(name + "=0.") != std::string::npos;
    const bool is_refused = job.output().find(name + "=71.") != std::string::npos;
    EXPECT_TRUE(is_done || is_refused) << job.output();
    if (is_done) expect_all_mapped(name + ".json");
  }
  EXPECT_NE(job.output().find("=71."), std::string::npos) << "there was room for both: what is this test for?";
}

}  // namespace
}  // namespace runnel::test
