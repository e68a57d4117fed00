// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/processes/runnel_program.h"

/// The trace of real runs on one host, where all clocks are one: what happens after something else begins after it.
namespace runnel::test {
namespace {

constexpr int kTrainers = 2;
constexpr int kSteps = 10;

struct Event {
  std::string name;
  int rank = 0;
  int lane = 0;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  int step = 0;
  int bucket = -1;
  int peer = -1;
};

/// A trace file, taken apart.
struct TraceFile {
  std::vector<std::string> processes;  // by rank
  std::vector<Event> events;

  explicit TraceFile(const std::filesystem::path& file) {
    std::map<int, std::string> names;
    const auto ns = [](const nlohmann::json& microseconds) { return std::llround(1e3 * microseconds.get<double>()); };
    const auto json = nlohmann::json::parse(std::ifstream(file));
    for (const auto& one : json["traceEvents"]) {
      const auto& arguments = one["args"];
      if (one["ph"] == "M") {
        if (one["name"] == "process_name") names[one["pid"]] = arguments["name"];
        continue;
      }
      const std::int64_t begin_ns = ns(one["ts"]);
      events.push_back({.name = one["name"],
                        .rank = one["pid"],
                        .lane = one["tid"],
                        .begin_ns = begin_ns,
                        .end_ns = begin_ns + (one["ph"] == "X" ? ns(one["dur"]) : 0),
                        .step = arguments["step"],
                        .bucket = arguments.value("bucket", -1),
                        .peer = arguments.value("peer", -1)});
    }
    for (const auto& [rank, name] : names) processes.push_back(name);
  }

  /// Those of one rank and step.
  std::vector<Event> find(const std::string& name, int rank, int step) const {
    std::vector<Event> found;
    std::ranges::copy_if(events, std::back_inserter(found), [&](const Event& event) {
      return event.name == name && event.rank == rank && event.step == step;
    });
    return found;
  }

  /// The buckets of those, in order.
  std::vector<int> buckets(const std::string& name, int rank, int step) const {
    std::vector<int> found;
    for (const Event& event : find(name, rank, step)) found.push_back(event.bucket);
    std::ranges::sort(found);
    return found;
  }
};

std::vector<int> first_numbers(std::size_t count) {
  std::vector<int> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<int>(i);
  return numbers;
}

/// A viewer draws spans of a thread that overlap without one being in the other wrongly.
void expect_nested(const TraceFile& trace) {
  std::map<std::pair<int, int>, std::vector<Event>> open;  // by thread, the innermost last
  for (const Event& event : trace.events) {
    auto& outer = open[{event.rank, event.lane}];
    while (!outer.empty() && outer.back().end_ns <= event.begin_ns) outer.pop_back();
    if (!outer.empty()) {
      EXPECT_LE(event.end_ns, outer.back().end_ns)
          << event.name << " in " << outer.back().name << " of rank " << event.rank << ", thread " << event.lane;
    }
    outer.push_back(event);
  }
}

class TraceTest : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  std::string path() const { return std::get<0>(GetParam()); }
  int generators() const { return std::get<1>(GetParam()); }
  bool mapped() const { return path() == "mapped"; }

  TraceFile run() {
    report_ = program_.run(
        program_.train({"-n", std::to_string(kTrainers), "--trace", file(), "--set", "transport.path=" + path(),
                        "--set", "generator.count=" + std::to_string(generators())}));
    return TraceFile(file());
  }

  std::string file() const { return program_.folder() / "trace.json"; }

  RunnelProgram program_;
  nlohmann::json report_;
};

TEST_P(TraceTest, HasWhatEveryProcessDoesInEveryStep) {
  const TraceFile trace = run();
  ASSERT_EQ(trace.processes.size(), report_["processes"].size());
  for (std::size_t rank = 0; rank < trace.processes.size(); ++rank) {
    const auto& process = report_["processes"][rank];
    EXPECT_THAT(trace.processes[rank], testing::StartsWith(process["role"].get<std::string>()));
    EXPECT_THAT(trace.processes[rank], testing::EndsWith(" (" + process["host"].get<std::string>() + ")"));
  }
  expect_nested(trace);
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    std::vector<int> reduced;
    for (int rank = 0; rank < generators(); ++rank) {
      const auto buckets = trace.buckets("reduce + optimize", rank, step);
      reduced.insert(reduced.end(), buckets.begin(), buckets.end());
      EXPECT_EQ(trace.find("publish", rank, step).size(), mapped() ? 1 : buckets.size());
      EXPECT_FALSE(trace.find("wait", rank, step).empty());
    }
    ASSERT_EQ(reduced, first_numbers(reduced.size()));
    ASSERT_GE(reduced.size(), 2U);
    for (int rank = generators(); rank < generators() + kTrainers; ++rank) {
      EXPECT_FALSE(trace.find("wait", rank, step).empty());
      EXPECT_EQ(trace.find("data", rank, step).size(), 1U);
      EXPECT_EQ(trace.find("read", rank, step).size(), 1U);
      EXPECT_EQ(trace.find("forward", rank, step).size(), 1U);
      EXPECT_EQ(trace.find("backward", rank, step).size(), 1U);
      EXPECT_EQ(trace.find("test", rank, step).size(), step + 1 == kSteps ? 1U : 0U);
      EXPECT_EQ(trace.buckets("bucket ready", rank, step), reduced);
      EXPECT_EQ(trace.buckets("put", rank, step), mapped() ? std::vector<int>() : reduced);
      EXPECT_EQ(trace.buckets("fetch", rank, step), mapped() ? std::vector<int>() : reduced);
      EXPECT_EQ(trace.find("bell", rank, step).empty(), !mapped());
    }
  }
}

/// The begin of the first of the trainer's bells that cover `bucket` of a shard, as `rank` has recorded it.
std::int64_t bell_ns(const TraceFile& trace, int rank, int peer, int step, int bucket) {
  std::int64_t begin_ns = std::numeric_limits<std::int64_t>::max();
  for (const Event& bell : trace.find("bell", rank, step)) {
    if (bell.peer == peer && bell.bucket <= bucket) begin_ns = std::min(begin_ns, bell.begin_ns);
  }
  return begin_ns;
}

std::int64_t begin_of_bucket_ns(const TraceFile& trace, const std::string& name, int rank, int step, int bucket) {
  const auto events = trace.find(name, rank, step);
  const auto found = std::ranges::find(events, bucket, &Event::bucket);
  return found == events.end() ? std::numeric_limits<std::int64_t>::max() : found->begin_ns;
}

TEST_P(TraceTest, HasCausesBeforeEffects) {
  const TraceFile trace = run();
  for (int step = 0; step < kSteps; ++step) {
    for (int generator = 0; generator < generators(); ++generator) {
      SCOPED_TRACE("generator " + std::to_string(generator) + ", step " + std::to_string(step));
      const auto reductions = trace.find("reduce + optimize", generator, step);
      for (const Event& reduce : reductions) {
        for (int trainer = generators(); trainer < generators() + kTrainers; ++trainer) {
          const std::int64_t heard_ns = bell_ns(trace, generator, trainer, step, reduce.bucket);
          const std::int64_t sent_ns = mapped() ? bell_ns(trace, trainer, generator, step, reduce.bucket)
                                                : begin_of_bucket_ns(trace, "put", trainer, step, reduce.bucket);
          EXPECT_LE(begin_of_bucket_ns(trace, "bucket ready", trainer, step, reduce.bucket), sent_ns);
          EXPECT_LE(sent_ns, heard_ns);
          EXPECT_LE(heard_ns, reduce.begin_ns);
        }
      }
      const Event complete = trace.find("publish", generator, step).back();
      EXPECT_GE(complete.begin_ns, reductions.back().end_ns);
      for (int trainer = generators(); trainer < generators() + kTrainers; ++trainer) {
        const auto waits = trace.find("wait", trainer, step + 1);
        ASSERT_FALSE(waits.empty());
        EXPECT_GE(std::ranges::max(waits, {}, &Event::end_ns).end_ns, complete.begin_ns);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, TraceTest,
                         testing::Values(std::tuple("mapped", 1), std::tuple("mapped", 2), std::tuple("emulated", 2)),
                         [](const auto& test) {
                           return std::get<0>(test.param) + "_" + std::to_string(std::get<1>(test.param));
                         });

class SingleTraceTest : public testing::Test {
 protected:
  std::string file() const { return program_.folder() / "trace.json"; }

  RunnelProgram program_;
};

TEST_F(SingleTraceTest, AloneHasPassesReductionsAndTests) {
  program_.run(program_.train({"--alone", "--trace", file()}));
  const TraceFile trace(file());
  EXPECT_EQ(trace.processes.size(), 1U);
  expect_nested(trace);
  for (const int step : {0, 2 * kSteps - 1}) {
    ASSERT_EQ(trace.find("data", 0, step).size(), 1U);
    ASSERT_EQ(trace.find("read", 0, step).size(), 1U);
    EXPECT_LE(trace.find("read", 0, step)[0].end_ns, trace.find("data", 0, step)[0].end_ns);
    EXPECT_EQ(trace.find("forward", 0, step).size(), 1U);
    EXPECT_EQ(trace.find("backward", 0, step).size(), 1U);
    const auto reduced = trace.buckets("reduce + optimize", 0, step);
    EXPECT_EQ(reduced, first_numbers(reduced.size()));
    EXPECT_FALSE(reduced.empty());
  }
  EXPECT_EQ(trace.find("test", 0, 2 * kSteps - 1).size(), 1U);
}

TEST_F(SingleTraceTest, ShowsReductionsDuringBackwardPasses) {
  program_.run(program_.train({"-n", std::to_string(kTrainers), "--trace", file()}));
  const TraceFile trace(file());
  int early = 0;
  for (int step = 0; step < kSteps; ++step) {
    std::int64_t end_ns = 0;
    for (int rank = 1; rank <= kTrainers; ++rank) {
      for (const Event& pass : trace.find("backward", rank, step)) end_ns = std::max(end_ns, pass.end_ns);
    }
    for (const Event& reduce : trace.find("reduce + optimize", 0, step)) early += reduce.begin_ns < end_ns ? 1 : 0;
  }
  EXPECT_GT(early, 0) << "the exchange of no step went on behind its passes";
}

TEST_F(SingleTraceTest, OfARunThatFailsHasTheLeadsPart) {
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"-n", "2", "--trace", file()})});
  job.await_output("step 3/");
  kill(job.await_rank(1), SIGKILL);
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(20)), 69);
  const TraceFile trace(file());
  EXPECT_THAT(trace.processes, testing::ElementsAre(testing::StartsWith("generator (")));
  EXPECT_FALSE(trace.find("reduce + optimize", 0, 1).empty());
}

TEST_F(SingleTraceTest, IsMadeByAllRanksOrByNone) {
  Job job(
      {.argv = program_.mpirun(1, {"--trace", file()}) + std::vector<std::string>{":", "-n", "1"} + program_.train()});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(20)), 78);
  EXPECT_THAT(job.output(), testing::HasSubstr("rank 0 has 'run.trace = a file', rank 1 has 'run.trace = nowhere'"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace runnel::test
