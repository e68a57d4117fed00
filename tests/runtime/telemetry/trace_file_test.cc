// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/runtime/allocation_count.h"
#include "tests/support/strict_log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Each test is a process of its own and has a folder of its own.
class TraceFile : public testing::Test {
 protected:
  TraceFile() { fs::create_directory(folder_); }
  ~TraceFile() override { fs::remove_all(folder_); }

  Json written(const std::vector<ProcessTrace>& processes) {
    write_trace(file_, processes, "0.1.0 (abc)");
    return Json::parse(text());
  }

  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

  test::StrictLog log_;
  const fs::path folder_ = fs::temp_directory_path() / ("runnel-trace-" + std::to_string(::getpid()));
  const fs::path file_ = folder_ / "trace.json";
};

/// The elements of the trace that are named `name`, in the order of the file.
std::vector<Json> named(const Json& trace, const std::string& name) {
  std::vector<Json> found;
  for (const Json& element : trace["traceEvents"]) {
    if (element["name"] == name) found.push_back(element);
  }
  return found;
}

ProcessTrace process(int rank, const std::string& name, std::vector<TraceEvent> events) {
  return {.rank = rank, .name = name, .recorded = {.events = std::move(events)}};
}

TEST_F(TraceFile, NamesAndOrdersProcesses) {
  const Json trace = written({process(0, "generator (alpha)", {}), process(1, "trainer 0 (be\"ta\xFF)", {})});
  const auto names = named(trace, "process_name");
  ASSERT_EQ(names.size(), 2);
  EXPECT_EQ(names[0]["ph"], "M");
  EXPECT_EQ(names[0]["pid"], 0);
  EXPECT_EQ(names[0]["args"]["name"], "generator (alpha)");
  EXPECT_EQ(names[1]["pid"], 1);
  EXPECT_EQ(names[1]["args"]["name"], "trainer 0 (be\"ta\uFFFD)");
  const auto order = named(trace, "process_sort_index");
  EXPECT_LT(order[0]["args"]["sort_index"], order[1]["args"]["sort_index"]);
  EXPECT_EQ(named(trace, "thread_name")[0]["args"]["name"], "main");
  EXPECT_EQ(trace["otherData"]["runnel"], "0.1.0 (abc)");
  EXPECT_EQ(trace["otherData"]["dropped"], Json::object());
}

TEST_F(TraceFile, PutsAllOnOneClockThatBeginsAtZero) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  ProcessTrace ahead = process(1, "trainer 0 (beta)", {{kHour + 1000, kHour + 4001, {.what = TraceWhat::forward}}});
  ahead.clock_offset_ns = kHour;
  ProcessTrace behind = process(2, "trainer 1 (gamma)", {{500, 2'500'700, {.what = TraceWhat::backward}}});
  behind.clock_offset_ns = -1000;
  const Json trace =
      written({process(0, "generator (alpha)", {{3050, 3057, {.what = TraceWhat::reduce}}}), ahead, behind});
  EXPECT_EQ(named(trace, "forward")[0]["ts"], 0.0);
  EXPECT_EQ(named(trace, "forward")[0]["dur"], 3.001);
  EXPECT_EQ(named(trace, "backward")[0]["ts"], 0.5);
  EXPECT_EQ(named(trace, "backward")[0]["dur"], 2500.2);
  EXPECT_EQ(named(trace, "reduce + optimize")[0]["ts"], 2.05);
  EXPECT_THAT(text(), testing::HasSubstr(R"("ts":2.050,"dur":0.007)"));
}

TEST_F(TraceFile, KeepsNanosecondsOfALongRun) {
  constexpr std::int64_t kYear = 31'536'000'000'000'000;
  written({process(0, "g", {{5, 6, {}}, {kYear + 6, kYear + 7, {}}})});
  EXPECT_THAT(text(), testing::HasSubstr("\"ts\":31536000000000.001"));
}

TEST_F(TraceFile, SaysWhatAnEventIsAbout) {
  const Json trace = written({process(0, "g",
                                      {{1000, 2000, {.what = TraceWhat::wait, .step = 3}},
                                       {1500, 1500, {.what = TraceWhat::bell, .peer = 2, .bucket = 4, .step = 3}}})});
  EXPECT_EQ(
      named(trace, "wait")[0],
      Json(
          {{"name", "wait"}, {"ph", "X"}, {"pid", 0}, {"tid", 0}, {"ts", 0.0}, {"dur", 1.0}, {"args", {{"step", 3}}}}));
  EXPECT_EQ(named(trace, "bell")[0], Json({{"name", "bell"},
                                           {"ph", "i"},
                                           {"s", "t"},
                                           {"pid", 0},
                                           {"tid", 0},
                                           {"ts", 0.5},
                                           {"args", {{"step", 3}, {"bucket", 4}, {"peer", 2}}}}));
}

TEST_F(TraceFile, HasANameForEverything) {
  std::vector<TraceEvent> events;
  for (int i = 0; i < kTraceWhats; ++i) events.push_back({i, i, {.what = static_cast<TraceWhat>(i)}});
  const Json trace = written({process(0, "g", events)});
  for (const char* name : {"wait", "forward", "backward", "bucket ready", "put", "bell", "publish", "test", "fetch",
                           "copy", "data", "read"}) {
    EXPECT_EQ(named(trace, name).size(), 1) << name;
  }
  EXPECT_EQ(named(trace, "reduce + optimize").size(), 2) << "by the processor and by a device";
}

TEST_F(TraceFile, GivesTransfersThatOverlapThreadsOfTheirOwn) {
  const auto put = [](std::int64_t begin, std::int64_t end) {
    return TraceEvent{begin, end, {.what = TraceWhat::put}};
  };
  const Json trace =
      written({process(1, "t", {{0, 100, {.what = TraceWhat::backward}}, put(10, 30), put(20, 40), put(30, 35)})});
  EXPECT_EQ(named(trace, "backward")[0]["tid"], 0);
  const auto puts = named(trace, "put");
  EXPECT_EQ(puts[0]["tid"], 1);
  EXPECT_EQ(puts[1]["tid"], 2);
  EXPECT_EQ(puts[2]["tid"], 1) << "the first has ended";
  std::map<int, std::string> threads;
  for (const Json& thread : named(trace, "thread_name")) threads[thread["tid"]] = thread["args"]["name"];
  EXPECT_EQ(threads, (std::map<int, std::string>{{0, "main"}, {1, "background"}, {2, "background"}}));
}

TEST_F(TraceFile, SaysWhatWasDropped) {
  ProcessTrace full = process(1, "trainer 0 (beta)", {{0, 1, {}}});
  full.recorded.dropped = 17;
  log_.expect("trace of trainer 0 (beta) is incomplete: 17 events after its first 1 dropped");
  const Json trace = written({process(0, "generator (alpha)", {}), full});
  EXPECT_EQ(trace["otherData"]["dropped"], Json({{"trainer 0 (beta)", 17}}));
  const auto labels = named(trace, "process_labels");
  ASSERT_EQ(labels.size(), 1);
  EXPECT_EQ(labels[0]["pid"], 1);
  EXPECT_THAT(labels[0]["args"]["labels"], testing::HasSubstr("17 events"));
}

TEST_F(TraceFile, TakesNoMemoryByTheEvent) {
  if (!test::kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  const auto allocations = [this](std::size_t events) {
    const std::vector<ProcessTrace> processes = {process(0, "g", std::vector<TraceEvent>(events))};
    const std::uint64_t before = test::allocation_count();
    write_trace(file_, processes, "0.1.0");
    return test::allocation_count() - before;
  };
  allocations(1);  // from here on there is a file to replace, which takes a few more
  const std::uint64_t few = allocations(5'000);
  EXPECT_EQ(allocations(50'000), few);
  EXPECT_EQ(named(Json::parse(text()), "wait").size(), 50'000);
}

TEST_F(TraceFile, IsWrittenWholeOrNotAtAll) {
  std::ofstream(file_) << "old";
  written({process(0, "g", {{1, 2, {}}})});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  try {
    write_trace(folder_ / "missing" / "trace.json", {}, "0.1.0");
    FAIL() << "wrote into a folder that is missing";
  } catch (const WriteError& error) {
    EXPECT_EQ(error.status(), ExitStatus::cannot_create);
  }
}

}  // namespace
}  // namespace runnel
