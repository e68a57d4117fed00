// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/checkpoint/checkpoint_writer.h"
#include "tests/processes/job.h"
#include "tests/processes/terminal.h"
#include "tests/runtime/checkpoint/sample_checkpoint.h"
#include "tests/support/temporary_folder.h"

/// `runnel checkpoints`.
namespace runnel::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CheckpointsCommandTest : public testing::Test {
 protected:
  /// Writes the checkpoint of `step`, whose last test was after `test_step` and found `result`, members of JSON.
  void write(std::int64_t step, std::int64_t test_step, const std::string& result) const {
    const BucketLayout layout = model_.layout(2);
    for (const std::size_t shard : {0, 1}) model_.write_shard(directory_, step, shard, 2, "a run");
    Manifest manifest = model_.manifest();
    manifest.account = R"({"tests":[{"step":1,"loss":9},{"step":)" + std::to_string(test_step) + ',' + result + "}]}";
    CheckpointWriter(directory_, step, "a run", layout).write_manifest(manifest);
  }

  static std::string output(std::vector<std::string> arguments, int status = 0) {
    arguments.insert(arguments.begin(), {RUNNEL_PROGRAM, "checkpoints"});
    Job job({.argv = arguments});
    EXPECT_EQ(job.wait(), status) << job.output();
    return job.output();
  }

  void damage(std::int64_t step) const {
    const fs::path file = step_folder(directory_, step) / "shard-1-of-2.safetensors";
    Bytes bytes = read_bytes(file);
    bytes.back() ^= 1;
    write_bytes(file, bytes);
  }

  TemporaryFolder temporary_;
  std::string directory_ = temporary_.path();
  std::string weights_ = temporary_.path() / "net.safetensors";
  SampleModel model_{1};
};

TEST_F(CheckpointsCommandTest, ListsWhatIsThere) {
  write(20, 10, R"("loss":0.5,"metrics":{"top5":0.75,"accuracy":0.625})");
  write(400, 390, R"("loss":0.25)");
  write(40, 30, R"("loss":0.25)");
  damage(40);
  fs::remove(fs::path(directory_) / "step-400" / "shard-0-of-2.safetensors");
  const std::string list = output({directory_});
  EXPECT_THAT(list, HasSubstr("good            test loss 0.5000 top5 0.7500 accuracy 0.6250 at step 10\n"));
  EXPECT_THAT(list, HasSubstr("step-400/shard-0-of-2.safetensors: cannot be opened: No such file"));
  EXPECT_LT(list.find("step 400 "), list.find("step 40 "));
  EXPECT_LT(list.find("step 40 "), list.find("step 20 "));
  EXPECT_THAT(list, Not(HasSubstr("tensor \"")));
  const std::string verified = output({directory_, "--verify"});
  EXPECT_THAT(verified,
              AllOf(HasSubstr("good, every byte read"), HasSubstr("step-40/shard-1-of-2.safetensors: tensor ")));
}

TEST_F(CheckpointsCommandTest, PrintsOneJsonDocument) {
  write(20, 10, R"("loss":0.5,"metrics":{"top5":0.75})");
  fs::create_directory(fs::path(directory_) / "step-30");
  const auto json = nlohmann::json::parse(output({directory_, "--json"}), nullptr, false);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["good"], false);
  EXPECT_THAT(json[0]["problem"].get<std::string>(), HasSubstr("was not finished"));
  EXPECT_EQ(json[1]["step"], 20);
  EXPECT_EQ(json[1]["good"], true);
  EXPECT_EQ(json[1]["verified"], false);
  EXPECT_EQ(json[1]["generators"], 2);
  EXPECT_EQ(json[1]["test"]["metrics"]["top5"], 0.75);
}

TEST_F(CheckpointsCommandTest, ExportsTheNewestGoodOne) {
  write(10, 1, R"("loss":1)");
  write(20, 1, R"("loss":1)");
  damage(20);
  const std::string text = output({directory_, "--export", weights_});
  EXPECT_THAT(text, AllOf(HasSubstr("step 10 "), HasSubstr("step-20/shard-1-of-2.safetensors: tensor \"")));
  EXPECT_NE(SafetensorsFile(weights_).find("head.weight"), nullptr);
  EXPECT_THAT(output({directory_ + "/step-20", "--export", weights_}, 65), HasSubstr("has no good checkpoint"));
  EXPECT_THAT(output({directory_ + "/step-10", "--export", directory_ + "/none/x"}, 73), HasSubstr("none/x"));
}

TEST_F(CheckpointsCommandTest, TheBestIsChosenByItsLastTest) {
  const auto best = [&](const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments = {directory_, "--best", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const std::string text = output(arguments);
    return nlohmann::json::parse(text.substr(text.find("[\n")), nullptr, false);  // after warnings
  };
  write(10, 10, R"("loss":0.9)");
  write(20, 20, R"("loss":0.3)");
  write(25, 20, R"("loss":0.3)");
  write(30, 30, R"("loss":0.4)");
  EXPECT_EQ(best()[0]["step"], 20);
  write(10, 10, R"("loss":0.9,"metrics":{"perplexity":9,"accuracy":0.5})");
  write(20, 20, R"("loss":0.3,"metrics":{"perplexity":1,"accuracy":0.6})");
  write(25, 20, R"("loss":0.3,"metrics":{"perplexity":1,"accuracy":0.6})");
  write(30, 30, R"("loss":0.4,"metrics":{"perplexity":2,"accuracy":0.7})");
  EXPECT_EQ(best()[0]["step"], 30);
  EXPECT_EQ(best().size(), 1U);
  damage(30);
  EXPECT_EQ(best({"--export", weights_})[0]["step"], 20);
}

TEST_F(CheckpointsCommandTest, ReportsThatNothingIsGood) {
  EXPECT_THAT(output({directory_ + "/none"}, 66), HasSubstr("none: cannot be read: No such file"));
  EXPECT_THAT(output({directory_}, 65), HasSubstr("has no good checkpoint"));
  model_.write(directory_, 3, 1);
  EXPECT_THAT(output({directory_, "--best"}), HasSubstr("step 3 "));
  EXPECT_THAT(output({}, 64), HasSubstr("DIRECTORY is required"));
  EXPECT_THAT(output({"--help"}), HasSubstr("Examples:"));
}

TEST_F(CheckpointsCommandTest, ShowsOnATerminalHowMuchIsRead) {
  model_.write(directory_, 3, 1);
  const Terminal terminal;
  Job job({.argv = {RUNNEL_PROGRAM, "checkpoints", directory_, "--verify"},
           .environment = {{"TERM", "xterm"}},
           .terminal = terminal.name()});
  EXPECT_EQ(job.wait(), 0);
  terminal.await("every byte read");
  EXPECT_THAT(terminal.output(), HasSubstr("step 3: 100 % read"));
}

}  // namespace
}  // namespace runnel::test
