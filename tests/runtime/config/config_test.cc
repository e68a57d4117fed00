// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <utility>

#include "runtime/config/config_schema.h"
#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = RUNNEL_SOURCE_DIR;

Config with_sets(const std::vector<std::string>& sets) {
  return load_config("", {.sets = sets, .default_data_dir = {}});
}

std::string error_of(const std::vector<std::string>& sets, ExitStatus status = ExitStatus::bad_configuration) {
  try {
    with_sets(sets);
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  return "accepted";
}

TEST(Config, ReferenceWorkflowIsTheDefault) {
  Config reference = load_config(kSource / "trainer/configs/mnist.toml");
  const Config defaults = load_config("", {.sets = {}, .default_data_dir = kSource / "trainer/data/mnist"});
  // What a model and a data set do without options is theirs to say: LocalTrainingTest compares.
  EXPECT_THAT(std::exchange(reference.model.options, {}), testing::SizeIs(1));
  EXPECT_THAT(std::exchange(reference.data.options, {}), testing::SizeIs(1));
  EXPECT_EQ(std::exchange(reference.data.shuffle, defaults.data.shuffle), Shuffle::share);
  EXPECT_EQ(reference, defaults);
  EXPECT_EQ(reference.data.path, kSource / "trainer/data/mnist");
}

TEST(Config, AloneWorkflowIsThatOfTheContract) {
  const Config alone = load_config(kSource / "trainer/configs/mnist-alone.toml");
  EXPECT_EQ(alone.trainer.batch_size, 16);
  EXPECT_EQ(alone.trainer.test_batch_size, 250);
  EXPECT_EQ(alone.run.max_epochs, 1);
  EXPECT_EQ(alone.run.max_gradients, 0);
  EXPECT_EQ(alone.run.log_every, 100);
  EXPECT_EQ(alone.optimizer.lr, 1.0);
  EXPECT_EQ(alone.optimizer.schedule.name, ScheduleKind::step);
  EXPECT_EQ(alone.optimizer.schedule.gamma, 0.7);
}

TEST(Config, SetsWinOverTheFileAndLaterOnesOverEarlierOnes) {
  const Config config = parse_config("[trainer]\ncount = 3\nbatch_size = 5", "f.toml",
                                     {.sets = {"trainer.count=4", "trainer.count=7"}, .default_data_dir = {}});
  EXPECT_EQ(config.trainer.count, 7);
  EXPECT_EQ(config.trainer.batch_size, 5);
}

TEST(Config, SetTakesTomlAndBareWords) {
  EXPECT_EQ(with_sets({"optimizer.name=sgd"}).optimizer.name, RuleKind::sgd);
  EXPECT_EQ(with_sets({"optimizer.name=\"sgd\""}).optimizer.name, RuleKind::sgd);
  EXPECT_EQ(with_sets({"data.shuffle=no"}).data.shuffle, Shuffle::no);
  EXPECT_EQ(with_sets({"data.drop_last=true"}).data.drop_last, true);
  EXPECT_EQ(with_sets({"data.prefetch=0"}).data.prefetch, 0);
  EXPECT_EQ(with_sets({"model.options.dropout=[0, 0.5]"}).model.options.at(0).text, "[0, 0.5]");
  EXPECT_EQ(with_sets({"model.options.kind=deep"}).model.options.at(0).text, "\"deep\"");
  EXPECT_EQ(with_sets({"model.options={a = 1, b = 2}", "model.options.a=3"}).model.options.at(0).text, "3");
  EXPECT_EQ(with_sets({"trainer.device=[\"cpu\", \"cuda:1\"]"}).trainer.device_of(1), DeviceName::cuda(1));
  EXPECT_EQ(with_sets({"trainer.device=cuda:1"}).trainer.device_of(1), DeviceName::cuda(1));
  EXPECT_EQ(with_sets({"run.report=a=b #1.json"}).run.report, fs::current_path() / "a=b #1.json");
  EXPECT_EQ(with_sets({"run.report=x.json", "run.report="}).run.report, "");
  EXPECT_EQ(with_sets({" trainer.count =  3 "}).trainer.count, 3);
  EXPECT_EQ(with_sets({" optimizer.name = sgd "}).optimizer.name, RuleKind::sgd);
  const ScheduleConfig schedule = with_sets({"optimizer.schedule={name = \"step\", gamma = 0.5}"}).optimizer.schedule;
  EXPECT_EQ(schedule.name, ScheduleKind::step);
  EXPECT_EQ(schedule.gamma, 0.5);
}

TEST(Config, SetNamesItselfInErrors) {
  EXPECT_EQ(error_of({"trainer.count=0"}),
            "--set 'trainer.count=0': key 'trainer.count': expected an integer from 1 to 1024, found 0");
  EXPECT_EQ(error_of({"transport.pth=auto"}),
            "--set 'transport.pth=auto': key 'transport.pth': unknown key, did you mean 'transport.path'?");
  EXPECT_EQ(error_of({"trainer.count"}, ExitStatus::usage),
            "--set 'trainer.count': expected KEY=VALUE, as in --set trainer.batch_size=64");
  EXPECT_THAT(error_of({"trainer.count=\"2"}), testing::HasSubstr("not valid TOML"));
  EXPECT_THAT(error_of({"trainer.count=[2"}), testing::HasSubstr("not valid TOML"));
  EXPECT_THAT(error_of({"trainer.count=2\n[run]\nseed=3"}), testing::HasSubstr("control characters"));
  EXPECT_THAT(error_of({"run.save=\xFF"}), testing::HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error_of({"=3"}, ExitStatus::usage), testing::HasSubstr("expected KEY=VALUE"));
  EXPECT_THAT(error_of({""}, ExitStatus::usage), testing::HasSubstr("expected KEY=VALUE"));
}

TEST(Config, DefaultsFollowTheRule) {
  const OptimizerConfig adadelta = with_sets({}).optimizer;
  EXPECT_EQ(std::tuple(adadelta.lr, adadelta.rho, adadelta.eps, adadelta.weight_decay),
            std::tuple(0.1, 0.9, 1e-6, 0.0));
  const OptimizerConfig sgd = with_sets({"optimizer.name=sgd"}).optimizer;
  EXPECT_EQ(std::tuple(sgd.lr, sgd.momentum, sgd.weight_decay), std::tuple(1e-3, 0.0, 0.0));
  const OptimizerConfig adam = with_sets({"optimizer.name=adam"}).optimizer;
  EXPECT_EQ(std::tuple(adam.lr, adam.eps, adam.weight_decay), std::tuple(1e-3, 1e-8, 0.0));
  const OptimizerConfig adamw = with_sets({"optimizer.name=adamw", "optimizer.lr=0.5"}).optimizer;
  EXPECT_EQ(std::tuple(adamw.lr, adamw.eps, adamw.weight_decay), std::tuple(0.5, 1e-8, 1e-2));
}

TEST(Config, KeyWithoutEffectMayStandAtItsDefault) {
  const Config config =
      load_config(kSource / "trainer/configs/mnist.toml", {.sets = {"optimizer.name=sgd"}, .default_data_dir = {}});
  EXPECT_EQ(config.optimizer.name, RuleKind::sgd);
}

/// What a configuration for Adadelta becomes by `sets`, with what the user is told.
struct Switched {
  OptimizerConfig optimizer;
  std::vector<std::string> notices;
};

Switched switched(const std::vector<std::string>& sets, const std::string& file = "lr = 0.1\nrho = 0.8\neps = 1e-6") {
  Switched switched;
  ConfigOptions options;
  options.sets = sets;
  options.on_notice = [&](const std::string& line) { switched.notices.push_back(line); };
  switched.optimizer = parse_config("[optimizer]\n" + file, "f.toml", options).optimizer;
  return switched;
}

TEST(Config, AnOptimizerFromTheCommandLineDropsTheFilesValuesForItsOwn) {
  const Switched adam = switched({"optimizer.name=adam"});
  EXPECT_EQ(std::tuple(adam.optimizer.lr, adam.optimizer.eps, adam.optimizer.rho), std::tuple(1e-3, 1e-8, 0.9));
  EXPECT_THAT(adam.notices,
              testing::ElementsAre("--set 'optimizer.name=adam': f.toml is written for adadelta, so its optimizer.lr, "
                                   "optimizer.rho, optimizer.eps are ignored; defaults in force: optimizer.lr = 0.001, "
                                   "optimizer.eps = 1e-08, optimizer.betas = [0.9, 0.999], optimizer.weight_decay = "
                                   "0.0"));
  const Switched sgd = switched({"optimizer.lr=0.5", "optimizer.name=sgd", "optimizer.momentum=0.9"},
                                "name = \"adamw\"\nlr = 3\nbetas = [0.8, 0.9]\nweight_decay = 0.2\nclip_norm = 2");
  EXPECT_EQ(std::tuple(sgd.optimizer.lr, sgd.optimizer.momentum, sgd.optimizer.weight_decay, sgd.optimizer.clip_norm),
            std::tuple(0.5, 0.9, 0.0, 2.0));
  EXPECT_EQ(sgd.optimizer.betas, OptimizerConfig().betas);
  EXPECT_THAT(sgd.notices,
              testing::ElementsAre("--set 'optimizer.name=sgd': f.toml is written for adamw, so its optimizer.betas, "
                                   "optimizer.weight_decay are ignored; defaults in force: optimizer.weight_decay = "
                                   "0.0"));
}

TEST(Config, TheFilesValuesStayWhereTheOptimizerDoes) {
  for (const std::vector<std::string>& sets :
       {std::vector<std::string>{}, {"optimizer.name=adadelta"}, {"optimizer.name=sgd", "optimizer.name=adadelta"}}) {
    const Switched same = switched(sets);
    EXPECT_EQ(std::tuple(same.optimizer.lr, same.optimizer.rho), std::tuple(0.1, 0.8));
    EXPECT_THAT(same.notices, testing::IsEmpty());
  }
  EXPECT_THAT(switched({"optimizer.name=adam"}, "reduce = \"mean\"").notices, testing::IsEmpty());
}

TEST(Config, ASetKeyThatTheOptimizerDoesNotUseIsAnErrorEvenAtItsDefault) {
  EXPECT_EQ(error_of({"optimizer.name=adam", "optimizer.rho=0.9"}),
            "--set 'optimizer.rho=0.9': key 'optimizer.rho': has no effect: it needs optimizer.name = adadelta; "
            "remove it");
  EXPECT_THAT(error_of({"optimizer.momentum=0"}), testing::HasSubstr("has no effect"));
  EXPECT_EQ(error_of({"optimizer.name=sgd", "optimizer.rho=0.5"}),
            "--set 'optimizer.rho=0.5': key 'optimizer.rho': has no effect: it needs optimizer.name = adadelta; "
            "remove it");
}

TEST(Config, EveryKeyOfSomeOptimizersOnlyIsDroppedWithThem) {
  for (const ConfigKey& key : config_keys()) {
    if (key.only_with.key == "optimizer.name") {
      EXPECT_TRUE(is_rule_key(key.path)) << key.path;
    }
  }
  for (const std::string_view path : rule_keys()) EXPECT_NE(find_config_key(path), nullptr) << path;
}

TEST(Config, DeviceNamesAreReadAndPrinted) {
  for (const char* text : {"auto", "cpu", "cuda", "cuda:0", "cuda:999"}) {
    const auto device = DeviceName::from_string(text);
    ASSERT_TRUE(device) << text;
    EXPECT_EQ(device->to_string(), text);
  }
  EXPECT_EQ(DeviceName::from_string("cuda:007"), DeviceName::cuda(7));
  for (const char* text : {"", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:1000", "cuda:1 ", "AUTO"}) {
    EXPECT_EQ(DeviceName::from_string(text), std::nullopt) << text;
  }
}

TEST(Config, SummaryOfTheOptimizerHasItsKeysOnly) {
  EXPECT_EQ(optimizer_summary(with_sets({"optimizer.name=adam", "optimizer.schedule.name=cosine"})),
            "name = \"adam\", lr = 0.001, eps = 1e-08, betas = [0.9, 0.999], weight_decay = 0.0, reduce = \"sum\", "
            "schedule.name = \"cosine\", schedule.warmup_steps = 0, clip_norm = 0.0");
}

TEST(Config, InputsAreRelativeToTheFileAndOutputsToTheWorkingFolder) {
  const Config config = parse_config("data.path = \"../d\"\nmodel.init = \"i\"\nrun.save = \"s\"", "/a/b/c.toml");
  EXPECT_EQ(config.data.path, "/a/d");
  EXPECT_EQ(config.model.init, "/a/b/i");
  EXPECT_EQ(config.run.save, fs::current_path() / "s");
  EXPECT_EQ(parse_config("", "/a/b/c.toml", {.sets = {"data.path=d"}, .default_data_dir = {}}).data.path,
            fs::current_path() / "d");
  EXPECT_EQ(parse_config("data.path = \"\"", "/a/c.toml", {.sets = {}, .default_data_dir = "/x"}).data.path, "/x");
}

TEST(Config, TheNewestCheckpointIsNoFileName) {
  EXPECT_EQ(with_sets({"checkpoint.directory=c", "checkpoint.resume=newest"}).checkpoint.resume, "newest");
  EXPECT_EQ(with_sets({"checkpoint.resume=./newest"}).checkpoint.resume, fs::current_path() / "newest");
  EXPECT_EQ(parse_config("checkpoint.resume = \"c/step-4\"", "/a/b.toml").checkpoint.resume, "/a/c/step-4");
  EXPECT_FALSE(with_sets({"checkpoint.resume=c/step-4"}).checkpoint.is_on());
}

TEST(Config, DotsBehindALinkNameWhatTheSystemOpens) {
  const test::TemporaryFolder folder;
  fs::create_directories(folder.path() / "far/away");
  fs::create_directory_symlink("far/away", folder.path() / "link");
  const std::string output = folder.path() / "link/../out";
  EXPECT_EQ(with_sets({"run.save=" + output}).run.save, output);
  EXPECT_EQ(with_sets({"run.save=" + (folder.path() / "far/../out").string()}).run.save, folder.path() / "out");
}

TEST(Config, PrintedConfigurationGivesTheSameRun) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=1e-5"},
      {"optimizer.name=adam", "optimizer.betas=[0.8, 0.99]", "optimizer.lr=3"},
      {"optimizer.name=adamw", "optimizer.schedule={name='cosine', warmup_steps=7}", "optimizer.clip_norm=1e20"},
      {"optimizer.schedule={name='step', every_epochs=3, gamma=0.123456789012345678}"},
      {"run.report='a \"quoted\" \\ nämé.json'", "run.save=don't", "model.init=i", "data.path=d"},
      {"model.init_prefix=module."},
      {"checkpoint={directory='c', every_steps=20, every_s=0, keep=1, grace_s=0.5, resume='newest'}"},
      {"checkpoint={on_signal=false, required=true, resume='c/step-400'}"},
      {"trainer.device=[\"cpu\", \"cuda:3\"]", "generator.device=cuda", "run.seed=9223372036854775807"},
      {"data.options.normalize=[-0.5, 1e-6]", "model.options={on = true, name = 'a \"b\"', n = 3}", "model.file=f",
       "run.timeout_s=0.1", "transport.bucket_bytes=16384", "transport.path=emulated"},
  };
  for (const auto& sets : cases) {
    const Config config = with_sets(sets);
    const std::string text = print_toml(config);
    EXPECT_EQ(parse_config(text, "printed.toml"), config) << text;
    EXPECT_EQ(print_toml(parse_config(text, "printed.toml")), text);
  }
}

TEST(Config, CanonicalLinesDifferOnlyInWhatWasChanged) {
  const auto plain = canonical_lines(with_sets({}));
  const auto other = canonical_lines(with_sets({"trainer.batch_size=64"}));
  ASSERT_EQ(plain.size(), other.size());
  int differing = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == other[i]) continue;
    ++differing;
    EXPECT_EQ(plain[i], "trainer.batch_size = 1000");
    EXPECT_EQ(other[i], "trainer.batch_size = 64");
  }
  EXPECT_EQ(differing, 1);
  EXPECT_EQ(canonical_lines(with_sets({"optimizer.name=adamw"})).size(), plain.size());
}

TEST(Config, CanonicalLinesHaveTheOptions) {
  EXPECT_EQ(canonical_lines(with_sets({"model.options.n=1"})), canonical_lines(with_sets({"model.options={n = 1}"})));
  EXPECT_NE(canonical_lines(with_sets({"model.options.n=1"})), canonical_lines(with_sets({"model.options.n=2"})));
  EXPECT_EQ(canonical_lines(with_sets({"model.options.n=1"})).size(), canonical_lines(with_sets({})).size());
}

TEST(Config, CanonicalLinesLeaveFileNamesOut) {
  const Config elsewhere =
      with_sets({"data.path=/elsewhere", "run.report=r", "run.save=s", "run.trace=t", "model.init=i", "model.file=f",
                 "checkpoint.directory=c", "checkpoint.resume=c/step-1"});
  EXPECT_EQ(canonical_lines(elsewhere), canonical_lines(with_sets({})));
}

TEST(Config, FileThatCannotBeReadIsAnInputError) {
  const auto status_of = [](const fs::path& file) {
    try {
      load_config(file);
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(file.string() + ": cannot read the configuration: "));
      return error.status();
    }
    return ExitStatus::done;
  };
  EXPECT_EQ(status_of("/does/not/exist.toml"), ExitStatus::input_missing);
  EXPECT_EQ(status_of("/tmp"), ExitStatus::input_missing);
  EXPECT_EQ(status_of("/dev/zero"), ExitStatus::input_missing);
}

}  // namespace
}  // namespace runnel
