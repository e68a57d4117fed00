// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"
#include "runtime/liveness/heartbeat_loop.h"
#include "tests/processes/synthetic_job.h"
#include "tests/runtime/allocation_count.h"
#include "tests/support/peer_process.h"
#include "tests/transport/registration_count.h"
#include "transport/context.h"

/// Generator and TrainerClient in real processes, against a plain loop.
namespace runnel::test {
namespace {

constexpr std::uint64_t kWarmUpSteps = 5;

/// Waits of 0 to 4 ms where the settings say so; each process has a sequence of its own.
class Delays {
 public:
  Delays(const Settings& settings, int rank)
      : where_(settings.delay), random_(settings.seed * 64 + static_cast<std::uint64_t>(rank)) {}

  void at(Delay place) {
    if (where_ != place && where_ != Delay::anywhere) return;
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 4000));
  }

 private:
  Delay where_;
  std::mt19937_64 random_;
};

/// Expects that no thread allocates, and nobody registers memory, after the first steps. Nothing is looked at in runs
/// that are all first steps.
class AllocationWatch {
 public:
  explicit AllocationWatch(const Settings& settings) : watches_(settings.steps > 4 * kWarmUpSteps) {}

  void begin_at(std::uint64_t step) {
    if (!watches_ || step != kWarmUpSteps) return;
    std::this_thread::sleep_for(3 * HeartbeatLoop::kBeat);  // so that the heartbeats are in their course as well
    allocations_ = allocation_count();
    registrations_ = registration_count();
  }

  void end() const {
    if (!watches_) return;
    EXPECT_EQ(allocation_count() - allocations_, 0U);
    EXPECT_EQ(registration_count() - registrations_, 0U);
  }

 private:
  bool watches_;
  std::uint64_t allocations_ = 0;
  std::uint64_t registrations_ = 0;
};

/// Computes a step tensor by tensor: parameters are awaited from the first on, gradients are ready from the last on.
void compute(TrainerClient& client, const BucketLayout& layout, int trainer, std::uint64_t step) {
  const auto parameters = client.parameters(client.buffer());
  const auto gradients = client.gradients(client.slot());
  for (std::size_t tensor = 0; tensor < layout.tensors().size(); ++tensor) {
    client.before_use(tensor);
    const ByteRange bytes = layout.tensors()[tensor].bytes;
    for (std::size_t i = bytes.begin / sizeof(float); i < bytes.end / sizeof(float); ++i) {
      gradients[i] = gradient(trainer, step, i, parameters[i]);
    }
  }
  // Every third step all at once, with `push`.
  for (std::size_t tensor = layout.tensors().size(); step % 3 != 0 && tensor > 0; --tensor) {
    client.gradient_ready(tensor - 1);
  }
}

void run_trainer(Bootstrap& bootstrap, const Settings& settings, const BucketLayout& layout, const PeerGroup& group) {
  TrainerClient client(bootstrap, group, layout, settings.config(), test_deadline());
  for (const PathReport& path : client.paths()) ASSERT_EQ(path.path, settings.path) << path.reason;
  Delays delays(settings, group.self().rank);
  AllocationWatch allocations(settings);
  for (std::uint64_t step = 0; step < settings.steps; ++step) {
    allocations.begin_at(step);
    compute(client, layout, group.self().index, step);
    delays.at(Delay::before_push);
    client.push({.loss = 1, .samples = 1, .staged_bytes = 0, .data_ns = 1 + group.self().index});
    delays.at(Delay::after_push);
  }
  client.pull();
  allocations.end();
  client.report_evaluation({});
  client.leave();
}

/// All steps of a generator, watched.
void make_watched_steps(Generator& generator, const Settings& settings, const BucketLayout& layout, bool leads) {
  generator.reserve(settings.steps);
  AllocationWatch allocations(settings);
  generator.publish_start(start_values(layout));
  for (std::uint64_t step = 0; step < settings.steps; ++step) {
    allocations.begin_at(step);
    const Generator::Step told = generator.step(kLearningRate);
    EXPECT_EQ(told.samples, leads ? static_cast<std::uint64_t>(settings.trainers) : 0);
    EXPECT_EQ(told.loss, leads ? 1 : 0);
    EXPECT_EQ(told.data_ns, leads ? settings.trainers : 0) << "the last trainer waited longest for its data";
  }
  allocations.end();
}

RUNNEL_PEER(synthetic_peer) {
  const Settings settings = Settings::from(arguments);
  const BucketLayout layout = layout_of(settings);
  const PeerGroup group = introduce(bootstrap, settings, layout, DeviceId::cpu());
  if (group.self().role == Role::trainer) return run_trainer(bootstrap, settings, layout, group);
  Generator generator(bootstrap, group, layout, settings.config(), test_deadline());
  make_watched_steps(generator, settings, layout, /*leads=*/false);
  generator.leave();
}

/// Every process has recorded something in every step.
void expect_traces(Generator& generator, const Settings& settings) {
  std::vector<ProcessTrace> traces = {generator.own_trace()};
  for (ProcessTrace& other : generator.collect_traces()) traces.push_back(std::move(other));
  EXPECT_EQ(traces.size(), static_cast<std::size_t>(settings.generators + settings.trainers));
  for (const ProcessTrace& trace : traces) {
    std::set<std::uint64_t> steps;
    for (const TraceEvent& event : trace.recorded.events) steps.insert(event.label.step);
    EXPECT_GE(steps.size(), settings.steps) << trace.name;
    EXPECT_EQ(trace.recorded.dropped, 0) << trace.name;
  }
}

/// Runs a whole job, with this process as its lead generator, and gives the final parameters.
std::vector<float> run_job(const Settings& settings) {
  PeerProcesses peers("synthetic_peer", settings.to_arguments(), settings.trainers + settings.generators - 1);
  const BucketLayout layout = layout_of(settings);
  const PeerGroup group = introduce(peers.bootstrap(), settings, layout, DeviceId::cpu());
  Generator generator(peers.bootstrap(), group, layout, settings.config(), test_deadline());
  make_watched_steps(generator, settings, layout, /*leads=*/true);
  generator.collect_evaluation();
  const auto result = generator.collect_parameters();
  std::vector<float> parameters(result.begin(), result.end());
  if (settings.traced) expect_traces(generator, settings);
  generator.leave();
  peers.join();
  return parameters;
}

class ExchangeTest : public testing::TestWithParam<std::tuple<Path, int, int>> {
 protected:
  Settings settings() const {
    Settings settings;
    std::tie(settings.path, settings.generators, settings.trainers) = GetParam();
    return settings;
  }
};

TEST_P(ExchangeTest, ComputesWhatAPlainLoopComputesInAnyOrderOfArrival) {
  Settings job = settings();
  const std::vector<float> expected = plain_loop(job);
  expect_same_bits(run_job(job), expected, "without delays");
  job.seed = std::random_device()();
  for (const Delay delay : {Delay::before_push, Delay::after_push, Delay::anywhere}) {
    job.delay = delay;
    job.bucket_bytes = delay == Delay::anywhere ? 16384 : 1 << 20;
    const std::string what = "delay " + std::to_string(static_cast<int>(delay)) + ", seed " + std::to_string(job.seed);
    expect_same_bits(run_job(job), expected, what);
  }
}

TEST_P(ExchangeTest, AveragesTensorsWhoseRuleThatIs) {
  Settings job = settings();
  job.averaged = true;
  const std::vector<float> expected = plain_loop(job);
  for (const std::int64_t bucket_bytes : {16384, 1 << 20}) {
    job.bucket_bytes = bucket_bytes;
    expect_same_bits(run_job(job), expected, "buckets of " + std::to_string(bucket_bytes));
  }
}

TEST_P(ExchangeTest, StepsAllocateAndRegisterNothing) {
  if (!kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  const std::uint64_t before = allocation_count();
  delete new volatile int(1);
  ASSERT_GT(allocation_count(), before) << "the counter is blind";
  Settings job = settings();
  job.steps = 50;
  const std::uint64_t registered = registration_count();
  run_job(job);
  EXPECT_GT(registration_count(), registered) << "the counter of registrations is blind";
}

TEST_P(ExchangeTest, StepsAllocateAndRegisterNothingWithATrace) {
  if (!kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  Settings job = settings();
  job.steps = 50;
  job.traced = true;
  run_job(job);
}

TEST(ExchangeOrderTest, AnotherOrderOfTheSumHasOtherBits) {
  const std::size_t elements = layout_of({}).float_count();
  std::size_t different = 0;
  for (std::size_t i = 0; i < elements; ++i) {
    const auto part = [i](int trainer) { return gradient(trainer, 0, i, start_value(i)); };
    different += (part(0) + part(1)) + part(2) != (part(2) + part(1)) + part(0) ? 1 : 0;
  }
  EXPECT_GT(different, elements / 100) << "the comparison with the plain loop would not see the order";
}

std::string name_of(const testing::TestParamInfo<std::tuple<Path, int, int>>& test) {
  const auto [path, generators, trainers] = test.param;
  std::string name(to_string(path));
  std::ranges::replace(name, '-', '_');
  return name + "_" + std::to_string(generators) + "_" + std::to_string(trainers);
}

constexpr auto kPaths = {Path::mapped, Path::one_sided, Path::emulated};

INSTANTIATE_TEST_SUITE_P(OneGenerator, ExchangeTest,
                         testing::Combine(testing::ValuesIn(kPaths), testing::Values(1), testing::Values(1, 2, 3, 4)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Shards, ExchangeTest,
                         testing::Combine(testing::ValuesIn(kPaths), testing::Values(2, 3), testing::Values(2)),
                         name_of);

}  // namespace
}  // namespace runnel::test
