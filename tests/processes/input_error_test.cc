// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// What a user can do wrong ends the run before MPI starts, with one line and the right status.
namespace runnel::test {
namespace {

/// A wrong command line and what comes of it. FOLDER in an argument stands for the test's folder.
struct Mistake {
  std::string name;
  std::vector<std::string> arguments;  // after `runnel train`
  int status;
  std::string said;  // part of the line
};

std::vector<Mistake> mistakes() {
  return {
      {"no_configuration", {}, 64, "CONFIG is required"},
      {"unknown_option", {"FOLDER/small.toml", "--fast"}, 64, "unknown option '--fast'; see runnel train --help"},
      {"nearest_option", {"--reprot=r.json", "FOLDER/small.toml"}, 64, "'--reprot=r.json', did you mean '--report'?"},
      {"second_configuration", {"FOLDER/small.toml", "other.toml"}, 64, "unexpected argument 'other.toml'"},
      {"no_trainers", {"FOLDER/small.toml", "-n", "0"}, 64, "trainers"},
      {"trainers_alone", {"FOLDER/small.toml", "--alone", "-n", "3"}, 64, "excludes --alone"},
      {"set_without_value", {"FOLDER/small.toml", "--set", "trainer.batch_size"}, 64, "expected KEY=VALUE"},
      {"configuration_missing", {"FOLDER/none.toml"}, 66, "none.toml"},
      {"configuration_is_no_toml", {"FOLDER/broken.toml"}, 78, "broken.toml:2:"},
      {"unknown_key", {"FOLDER/small.toml", "--set", "optimizer.lrr=1"}, 78, "optimizer.lr"},
      {"wrong_type", {"FOLDER/small.toml", "--set", "trainer.batch_size='many'"}, 78, "trainer.batch_size"},
      {"beginning_of_key", {"FOLDER/small.toml", "--set", "trainer.batch=8"}, 78, "did you mean 'trainer.batch_size'?"},
      {"renamed_key", {"FOLDER/small.toml", "--set", "model.dropout=[0, 0]"}, 78, "its name is model.options.dropout"},
      {"unknown_model", {"FOLDER/small.toml", "--set", "model.name=mnist-cn"}, 78, "did you mean \"mnist-cnn\"?"},
      {"unknown_model_option", {"FOLDER/small.toml", "--set", "model.options.dropuot=[0, 0]"}, 78, "dropout'?"},
      {"model_option_out_of_range", {"FOLDER/small.toml", "--set", "model.options.dropout=[0, 1]"}, 78, "2 numbers"},
      {"unknown_objective_option", {"FOLDER/small.toml", "--set", "objective.options.by=1"}, 78, "no such option"},
      {"data_option_out_of_range", {"FOLDER/small.toml", "--set", "data.options.normalize=[0, 0]"}, 78, "deviation"},
      {"no_such_gpu", {"FOLDER/small.toml", "--set", "trainer.device=cuda:999"}, 78, " or \"auto\""},
      {"too_many_steps",
       {"FOLDER/small.toml", "--set", "run={max_gradients=0, max_epochs=2147483647}", "--set", "trainer.batch_size=1"},
       78,
       "key 'run.max_epochs'"},
      {"data_missing", {"FOLDER/small.toml", "--set", "data.path=FOLDER/none"}, 66, "FOLDER/none"},
      {"data_short", {"FOLDER/small.toml", "--set", "data.path=FOLDER/short"}, 65, "train-images-idx3-ubyte"},
      {"test_data_short", {"FOLDER/small.toml", "--set", "data.path=FOLDER/short_test"}, 65, "t10k-labels-idx1-ubyte"},
      {"parameters_missing", {"FOLDER/small.toml", "--set", "model.init=FOLDER/none"}, 66, "FOLDER/none"},
      {"parameters_in_folder",
       {"FOLDER/small.toml", "--set", "model.init=FOLDER/short"},
       66,
       "not a regular file; key 'model.init'"},
      {"parameters_foreign", {"FOLDER/small.toml", "--set", "model.init=FOLDER/small.toml"}, 65, "small.toml"},
      {"model_without_file", {"FOLDER/small.toml", "--set", "model={name='export'}"}, 78, "file = \"net.pt2\""},
      {"model_missing",
       {"FOLDER/small.toml", "--set", "model={name='export', file='FOLDER/none.pt2'}"},
       66,
       "none.pt2"},
      {"model_short",
       {"FOLDER/small.toml", "--set", "model={name='export', file='FOLDER/short.pt2'}"},
       65,
       "no directory at its end"},
      {"model_of_other_shape",
       {"FOLDER/small.toml", "--set", "model={name='export', file='" RUNNEL_FIXTURE_FOLDER "/exported_cnn.pt2'}"},
       78,
       "1, 12, 12]"},
      {"model_of_other_type",
       {"FOLDER/small.toml", "--set",
        "model={name='export', file='" RUNNEL_FIXTURE_FOLDER "/exported_transformer.pt2'}"},
       78,
       "int64"},
      {"target_is_no_class",
       {"FOLDER/small.toml", "--set", "model={name='mlp', options={hidden=[], outputs=3}}", "--set",
        "objective.name=cross_entropy"},
       65,
       "data set 'mnist' cannot compute a training pass of the first 2 samples: Target 3 is out of bounds"},
      {"script_as_export",
       {"FOLDER/small.toml", "--set", "model={name='export', file='" RUNNEL_FIXTURE_FOLDER "/scripted_cnn.pt'}"},
       65,
       "choose model.name = \"torchscript\""},
      {"report_without_folder", {"FOLDER/small.toml", "--report", "FOLDER/none/report.json"}, 73, "FOLDER/none"},
      {"report_is_folder", {"FOLDER/small.toml", "--report", "FOLDER/short"}, 73, "FOLDER/short"},
      {"report_name_too_long", {"FOLDER/small.toml", "--report", std::string(300, 'r')}, 73, "File name too long"},
      {"same_file_twice", {"FOLDER/small.toml", "--report", "FOLDER/a", "--save", "FOLDER/a"}, 78, "same file"},
      {"same_file_by_link", {"FOLDER/small.toml", "--report", "FOLDER/a", "--save", "FOLDER/link"}, 78, "same file"},
      {"save_without_folder", {"FOLDER/small.toml", "--save", "FOLDER/none/weights"}, 73, "FOLDER/none"},
  };
}

std::string in_folder(std::string text, const std::filesystem::path& folder) {
  const auto at = text.find("FOLDER");
  return at == text.npos ? text : text.replace(at, 6, folder);
}

class InputErrorTest : public testing::TestWithParam<Mistake> {
 protected:
  InputErrorTest() {
    std::ofstream(program_.folder() / "broken.toml") << "[run]\nseed = = 3\n";
    std::ofstream(program_.folder() / "short.pt2") << "PK";
    std::filesystem::create_symlink("a", program_.folder() / "link");
    write_short_copy("short", "train-images-idx3-ubyte");
    write_short_copy("short_test", "t10k-labels-idx1-ubyte");
  }

  /// A data set in which `file` has lost its last byte.
  void write_short_copy(const std::string& folder, const std::string& file) {
    std::filesystem::create_directory(program_.folder() / folder);
    write_idx_folder(program_.folder() / folder, 64, 16);
    const auto path = program_.folder() / folder / file;
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  }

  std::vector<std::string> arguments() const {
    std::vector<std::string> arguments = {RUNNEL_PROGRAM, "train"};
    for (const std::string& argument : GetParam().arguments)
      arguments.push_back(in_folder(argument, program_.folder()));
    return arguments;
  }

  /// Runs `argv` and expects the mistake's status and words, and no step of training.
  std::string run(const std::vector<std::string>& argv) {
    Job job({.argv = argv});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), GetParam().status) << job.output();
    EXPECT_NE(job.output().find(in_folder(GetParam().said, program_.folder())), std::string::npos) << job.output();
    EXPECT_EQ(job.output().find("terminate called"), std::string::npos) << job.output();
    EXPECT_EQ(job.output().find("step "), std::string::npos) << job.output();
    return job.output();
  }

  RunnelProgram program_;
};

TEST_P(InputErrorTest, IsSaidOnceBeforeRanksAreStarted) {
  const std::vector<std::string> no_mpirun = {"env", "PATH=/nonexistent"};
  const std::string output = run(no_mpirun + arguments());
  EXPECT_EQ(std::ranges::count(output, '\n'), 1) << output;
  EXPECT_TRUE(output.starts_with("error: ")) << output;
}

TEST_P(InputErrorTest, IsFoundAlone) {
  const std::string output = run(arguments() + std::vector<std::string>{"--alone"});
  EXPECT_EQ(output.find("error: "), output.rfind("error: ")) << "said twice:\n" << output;
}

INSTANTIATE_TEST_SUITE_P(Mistakes, InputErrorTest, testing::ValuesIn(mistakes()),
                         [](const auto& test) { return test.param.name; });

class InputErrorOfRankTest : public InputErrorTest {};

TEST_P(InputErrorOfRankTest, EndsTheJobThatMpirunStarted) {
  run(std::vector<std::string>{"mpirun", "-n", "3"} + arguments());
}

/// Mistakes that all ranks find, that only trainers find, and that only the generator finds.
std::vector<Mistake> mistakes_of_ranks() {
  std::vector<Mistake> chosen = mistakes();
  std::erase_if(chosen, [](const Mistake& mistake) {
    return mistake.name != "unknown_key" && mistake.name != "data_short" && mistake.name != "report_is_folder";
  });
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Mistakes, InputErrorOfRankTest, testing::ValuesIn(mistakes_of_ranks()),
                         [](const auto& test) { return test.param.name; });

/// The first samples are good: 0 and 3 of four classes.
TEST(TargetTest, ThatIsNoClassEndsARunningJob) {
  const RunnelProgram program;
  Job job({.argv = program.train({"-n", "2", "--set", "model={name='mlp', options={hidden=[], outputs=4}}", "--set",
                                  "objective.name=cross_entropy"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 65) << job.output();
  const std::string output = job.output();
  EXPECT_NE(output.find("error: model 'mlp' with objective 'cross_entropy' and data set 'mnist' cannot compute step 1: "
                        "Target "),
            std::string::npos)
      << output;
  EXPECT_NE(output.find(" is out of bounds"), std::string::npos) << output;
}

TEST(CommandTest, IsNamedWhenItIsUnknown) {
  Job job({.argv = {RUNNEL_PROGRAM, "trian", "small.toml"}});
  EXPECT_EQ(job.wait(), 64);
  EXPECT_EQ(job.output(), "error: unknown command 'trian', did you mean 'train'?; see runnel --help\n");
}

std::vector<std::string> in_shell(const std::string& script, const std::vector<std::string>& argv) {
  return std::vector<std::string>{"bash", "-c", script, "-"} + argv;
}

TEST(OutputTest, ThatCannotBeWrittenIsAnError) {
  const RunnelProgram program;
  for (const auto& options : {std::vector<std::string>{"--print-config"}, {"--alone", "--dry-run"}}) {
    Job job({.argv = in_shell("\"$@\" >/dev/full", program.train(options))});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 74);
    EXPECT_EQ(job.output(), "error: standard output cannot be written: No space left on device\n");
  }
  Job job({.argv = in_shell("set -o pipefail; \"$@\" | head -1", program.train(endless()))});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 74);
  EXPECT_NE(job.output().find("error: standard output was closed before the run had ended; "), std::string::npos)
      << job.output();
}

TEST(OpenFilesTest, AreAllowedAsFarAsTheHardLimitGoes) {
  const RunnelProgram program;
  program.run(in_shell("ulimit -S -n 32; \"$@\"", program.train()));
  Job job({.argv = in_shell("ulimit -n 32; \"$@\"", program.train())});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 71);
  EXPECT_EQ(job.output(),
            "error: the limit of open files is 32, and a job of 3 processes needs 52: raise it with ulimit -n 1024, or "
            "nofile in limits.conf\n");
}

TEST(SessionFolderTest, NeedsAFolderForTemporaryFiles) {
  const RunnelProgram program;
  Job job({.argv = program.train(), .environment = {{"TMPDIR", "/nonexistent"}}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 73);
  EXPECT_NE(job.output().find("; set TMPDIR to one that can be written to\n"), std::string::npos) << job.output();
}

TEST(AloneTest, IsRefusedInSeveralRanks) {
  const RunnelProgram program;
  Job job({.argv = program.mpirun(2, {"--alone"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 64);
  EXPECT_NE(job.output().find("--alone trains in one process, and mpirun started 2; "), std::string::npos)
      << job.output();
}

TEST(AloneTest, TakesTheConfigurationOfAJob) {
  const RunnelProgram program;
  const auto report = program.run(program.train(
      {"--alone", "--set", "generator.count=3", "--set", "run.pin=true", "--set", "optimizer.clip_norm=1.0"}));
  EXPECT_EQ(report["config"]["generator"]["count"], 1);
  EXPECT_EQ(report["config"]["trainer"]["count"], 1);
  EXPECT_EQ(report["config"]["run"]["pin"], false);
}

TEST(LaunchPlaceTest, IsRefusedWhenItContradictsItself) {
  const RunnelProgram program;
  Job job({.argv = program.train(), .environment = {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "3"}}});
  EXPECT_EQ(job.wait(), 76);
  EXPECT_EQ(
      job.output(),
      "error: the environment says rank 3 of 3 ranks (OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE); let mpirun set "
      "both, or unset them\n");
}

TEST(InterfaceTest, IsNamedWithThoseOfTheHostWhenItHasNone) {
  const RunnelProgram program;
  const std::vector<std::string> options = {"--set", "transport.interface='lo,eth7'"};  // found before MPI starts
  const std::vector<std::string> no_mpirun = {"env", "PATH=/nonexistent"};
  for (const auto& argv : {no_mpirun + program.train(options), program.mpirun(2, options)}) {
    Job job({.argv = argv});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 78);
    const std::string output = job.output();
    EXPECT_NE(output.find("has no 'eth7'; use \"auto\" or one of "), std::string::npos) << output;
  }
}

TEST(TrainerCountTest, MustAgreeWithMpirun) {
  const RunnelProgram program;
  Job job({.argv = program.mpirun(3, {"-n", "7"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 64);
  EXPECT_NE(job.output().find("-n 7 contradicts mpirun, which started 3 ranks"), std::string::npos) << job.output();
  program.run(program.mpirun(3, {"-n", "2"}));
}

TEST(ConfigDifferenceTest, NamesTheKeyAndBothValues) {
  const RunnelProgram program;
  const std::vector<std::string> colon = {":"};
  const auto first = program.mpirun(1);
  const auto others = std::vector<std::string>{"-n", "2"} + program.train({"--set", "optimizer.lr=0.25"});
  Job job({.argv = first + colon + others});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 78);
  const std::string output = job.output();
  EXPECT_NE(output.find("optimizer.lr = 0.1"), std::string::npos) << output;
  EXPECT_NE(output.find("optimizer.lr = 0.25"), std::string::npos) << output;
  EXPECT_EQ(output.find(" error: "), output.rfind(" error: ")) << "more than one rank says so:\n" << output;
}

}  // namespace
}  // namespace runnel::test
