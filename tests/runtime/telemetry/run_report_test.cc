// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/run_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "runtime/base/atomic_file.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::vector<std::string> keys(const Json& json) {
  std::vector<std::string> names;
  for (const auto& [key, value] : json.items()) names.push_back(key);
  return names;
}

RunReport sample() {
  RunReport report;
  report.software.version = "0.1.0";
  report.processes = {{0, "generator", "alpha", 17, "cpu"}, {1, "trainer", "beta", 18, "cuda:0"}};
  report.paths = {{0, 0, "mapped", {"posix"}, "same host"}};
  report.steps = 50;
  report.step_ms = {1.5, 2.5, 3.5};
  report.bytes.gradient = 4799528;
  report.test = {.loss = 0.25,
                 .samples = 10000,
                 .metrics = {{.name = "top5", .value = 0.99, .sum = 9900, .count = 10000},
                             {.name = "accuracy", .value = 0.9, .sum = 9000, .count = 10000}}};
  report.loss = {{1, 2.5}, {2, 2.25}};
  report.lost = {{2, 31, "killed by signal 9"}};
  report.exit = 69;
  return report;
}

TEST(Report, HasTheKeysOfTheContract) {
  using Names = std::vector<std::string>;
  const Json json = Json::parse(to_json(sample()));
  EXPECT_EQ(keys(json), (Names{"runnel",
                               "versions",
                               "config",
                               "processes",
                               "paths",
                               "starts",
                               "resumed_from",
                               "steps",
                               "gradients",
                               "epochs",
                               "seconds",
                               "step_ms",
                               "data_ms",
                               "exchange_ms",
                               "exposed_ms",
                               "checkpoint_ms",
                               "samples_per_second",
                               "bytes",
                               "test",
                               "loss",
                               "parameters_sha256",
                               "lost",
                               "exit"}));
  EXPECT_EQ(keys(json["runnel"]), (Names{"version", "commit"}));
  EXPECT_EQ(keys(json["versions"]), (Names{"ucx", "torch", "mpi"}));
  EXPECT_EQ(keys(json["config"]), (Names{"model", "objective", "data", "trainer", "generator", "optimizer", "transport",
                                         "checkpoint", "run"}));
  EXPECT_EQ(keys(json["processes"][1]), (Names{"rank", "role", "host", "pid", "device"}));
  EXPECT_EQ(keys(json["paths"][0]), (Names{"trainer", "generator", "path", "transports", "reason"}));
  EXPECT_EQ(keys(json["seconds"]),
            (Names{"start", "mpi_init", "bootstrap", "data", "train", "test", "total", "earlier_starts"}));
  EXPECT_EQ(keys(json["exchange_ms"]), (Names{"min", "p50", "p99"}));
  EXPECT_EQ(keys(json["checkpoint_ms"]), (Names{"min", "p50", "p99", "exposed"}));
  EXPECT_EQ(keys(json["bytes"]), (Names{"gradient", "parameter", "staged"}));
  EXPECT_EQ(keys(json["test"]), (Names{"loss", "samples", "accuracy", "correct", "metrics"}));
  EXPECT_EQ(keys(json["lost"][0]), (Names{"rank", "step", "cause"}));
}

TEST(Report, HasEveryMetricByItsName) {
  RunReport report = sample();
  EXPECT_EQ(Json::parse(to_json(report))["test"]["metrics"], Json({{"top5", 0.99}, {"accuracy", 0.9}}));
  EXPECT_EQ(Json::parse(to_json(report))["test"]["correct"], 9000);
  report.test.metrics = {{.name = "mae", .value = 0.5, .sum = 5, .count = 10}};
  const Json test = Json::parse(to_json(report))["test"];
  EXPECT_EQ(keys(test), (std::vector<std::string>{"loss", "samples", "metrics"}));
  EXPECT_EQ(test["metrics"]["mae"], 0.5);
}

TEST(Report, HasTheOptionsAsValues) {
  RunReport report;
  report.config = parse_config(
      "[model.options]\nshares = [0.25, 1]\nname = \"a \\\"b\\\"\"\n[data]\noptions.deep = true", "f.toml");
  const Json config = Json::parse(to_json(report))["config"];
  EXPECT_EQ(config["model"]["options"], Json({{"shares", {0.25, 1}}, {"name", "a \"b\""}}));
  EXPECT_EQ(config["data"]["options"]["deep"], true);
}

TEST(Report, HasTheValues) {
  const Json json = Json::parse(to_json(sample()));
  EXPECT_EQ(json["config"]["optimizer"]["schedule"]["name"], "constant");
  EXPECT_EQ(json["config"]["optimizer"]["lr"], 0.1);
  EXPECT_EQ(json["config"]["trainer"]["count"], 2);
  EXPECT_EQ(json["paths"][0]["transports"], Json({"posix"}));
  EXPECT_EQ(json["step_ms"]["p99"], 3.5);
  EXPECT_EQ(json["bytes"]["gradient"], 4799528);
  EXPECT_EQ(json["loss"], Json({{1, 2.5}, {2, 2.25}}));
  EXPECT_EQ(json["lost"][0]["cause"], "killed by signal 9");
  EXPECT_EQ(json["exit"], 69);
}

TEST(Report, OfARunThatFailedEarlyIsJson) {
  const Json json = Json::parse(to_json(RunReport{}));
  EXPECT_TRUE(json["processes"].is_array());
  EXPECT_TRUE(json["loss"].is_array());
  EXPECT_EQ(json["step_ms"]["p50"], 0);
}

TEST(Report, SurvivesWhatJsonCannotSay) {
  RunReport report;
  report.processes = {{0, "generator", "host\xFF\n", 1, "cpu"}};
  report.test.loss = std::numeric_limits<double>::quiet_NaN();
  report.loss = {{1, std::numeric_limits<double>::infinity()}};
  const Json json = Json::parse(to_json(report));
  EXPECT_EQ(json["processes"][0]["host"], "host\uFFFD\n");
  EXPECT_TRUE(json["test"]["loss"].is_null());
  EXPECT_TRUE(json["loss"][0][1].is_null());
}

TEST(Report, IsWrittenWhole) {
  const fs::path folder = fs::temp_directory_path() / ("runnel-report-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  const fs::path file = folder / "run.json";
  std::ofstream(file) << "old";
  write_report(sample(), file);
  std::ifstream stream(file);
  EXPECT_EQ(Json::parse(stream)["steps"], 50);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
  EXPECT_THROW(write_report(sample(), folder / "missing" / "run.json"), WriteError);
  fs::remove_all(folder);
}

TEST(Report, OutputsAreDistinctFilesThatCanBeMade) {
  const fs::path folder = fs::temp_directory_path() / ("runnel-outputs-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  const auto status = [&folder](const char* report, const char* save, const char* trace) {
    const auto in_folder = [&folder](const char* name) { return *name == '\0' ? "" : (folder / name).string(); };
    RunConfig run;
    run.report = in_folder(report);
    run.save = in_folder(save);
    run.trace = in_folder(trace);
    try {
      require_writable_outputs(run);
    } catch (const RunError& error) {
      return error.status();
    }
    return ExitStatus::done;
  };
  EXPECT_EQ(status("", "", ""), ExitStatus::done);
  EXPECT_EQ(status("a", "b", "c"), ExitStatus::done);
  EXPECT_EQ(status("a", "a", ""), ExitStatus::bad_configuration);
  EXPECT_EQ(status("a", "", "a"), ExitStatus::bad_configuration);
  EXPECT_EQ(status("", "a", "a"), ExitStatus::bad_configuration);
  EXPECT_EQ(status("a", "b", "missing/c"), ExitStatus::cannot_create);
  EXPECT_TRUE(fs::is_empty(folder));
  fs::create_symlink("a", folder / "link");
  fs::create_directory_symlink(folder, folder / "here");
  EXPECT_EQ(status("a", "link", ""), ExitStatus::bad_configuration);
  EXPECT_EQ(status("", "here/a", "link"), ExitStatus::bad_configuration);
  EXPECT_EQ(status("b", "link", "c"), ExitStatus::done);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace runnel
