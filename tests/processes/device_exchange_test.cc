// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"
#include "tests/processes/synthetic_job.h"
#include "tests/support/async_device.h"
#include "tests/support/peer_process.h"

/// The exchange of tensors on devices, in real processes, against a plain loop. The devices are threads that work late
/// (tests/support/async_device.h), so that what does not wait for them computes with wrong numbers. A GPU's own memory,
/// which other processes can map, is not here: tests/gpu/exchange_test.cc has it, also for tests/cuda_stand_in.
namespace runnel::test {
namespace {

/// A letter for each process, by rank: d for one with a device, h for one without.
using Devices = std::string;

/// The device of this process.
class OwnDevice {
 public:
  OwnDevice(const Devices& devices, int rank, std::uint64_t seed) {
    const auto index = static_cast<std::size_t>(rank);
    if (devices.at(index) == 'd') device_ = std::make_unique<AsyncDevice>(seed * 64 + index);
  }

  AsyncDevice* get() const { return device_.get(); }
  DeviceId id() const { return id_of(device_.get()); }

 private:
  std::unique_ptr<AsyncDevice> device_;
};

/// A step's passes, tensor by tensor. With a device they are work for its compute stream, backward given by another
/// thread, as LibTorch does.
void compute(TrainerClient& client, const BucketLayout& layout, int trainer, std::uint64_t step, AsyncDevice* device) {
  const auto parameters = client.parameters(client.buffer());
  const auto gradients = client.gradients(client.slot());
  const auto pass = [=](ByteRange bytes) {
    for (std::size_t i = bytes.begin / sizeof(float); i < bytes.end / sizeof(float); ++i) {
      gradients[i] = gradient(trainer, step, i, parameters[i]);
    }
  };
  const std::size_t tensors = layout.tensors().size();
  for (std::size_t tensor = 0; tensor < tensors; ++tensor) {
    client.before_use(tensor);
    if (device == nullptr) pass(layout.tensors()[tensor].bytes);
  }
  const auto backward = [&] {
    for (std::size_t tensor = tensors; tensor-- > 0;) {
      if (device != nullptr) device->compute().run([pass, bytes = layout.tensors()[tensor].bytes] { pass(bytes); });
      if (step % 3 != 0) client.gradient_ready(tensor);  // every third step all at once, with `push`
    }
  };
  if (device == nullptr) return backward();
  std::thread(backward).join();
}

void run_trainer(Bootstrap& bootstrap, const Settings& settings, const BucketLayout& layout, const PeerGroup& group,
                 AsyncDevice* device) {
  TrainerClient client(bootstrap, group, layout, settings.config(), test_deadline(), {.device = device});
  for (const PathReport& path : client.paths()) EXPECT_EQ(path.path, settings.path) << path.reason;
  for (std::uint64_t step = 0; step < settings.steps; ++step) {
    compute(client, layout, group.self().index, step, device);
    client.push({.loss = 1, .samples = 1, .staged_bytes = 0});
  }
  client.pull();
  client.report_evaluation({});
  client.leave();
}

RUNNEL_PEER(device_peer) {
  const Settings settings = Settings::from(arguments);
  const Devices& devices = arguments.back();
  const BucketLayout layout = layout_of(settings);
  const OwnDevice device(devices, bootstrap.rank(), settings.seed);
  const PeerGroup group = introduce(bootstrap, settings, layout, device.id());
  if (group.self().role == Role::trainer) return run_trainer(bootstrap, settings, layout, group, device.get());
  Generator generator(bootstrap, group, layout, settings.config(), test_deadline(), {.device = device.get()});
  make_steps(generator, settings, layout);
  generator.leave();
}

struct Outcome {
  std::vector<float> parameters;
  std::vector<double> exposed_ms;
  std::vector<ProcessTrace> traces;
};

Outcome run_job(const Settings& settings, const Devices& devices) {
  std::vector<std::string> arguments = settings.to_arguments();
  arguments.push_back(devices);
  PeerProcesses peers("device_peer", arguments, settings.trainers + settings.generators - 1);
  const BucketLayout layout = layout_of(settings);
  const OwnDevice device(devices, 0, settings.seed);
  const PeerGroup group = introduce(peers.bootstrap(), settings, layout, device.id());
  Generator generator(peers.bootstrap(), group, layout, settings.config(), test_deadline(), {.device = device.get()});
  make_steps(generator, settings, layout);
  generator.collect_evaluation();
  const auto result = generator.collect_parameters();
  Outcome outcome = {
      .parameters = {result.begin(), result.end()}, .exposed_ms = generator.timings().exposed_ms, .traces = {}};
  if (settings.traced) {
    outcome.traces.push_back(generator.own_trace());
    for (ProcessTrace& other : generator.collect_traces()) outcome.traces.push_back(std::move(other));
  }
  generator.leave();
  peers.join();
  return outcome;
}

class DeviceExchangeTest : public testing::TestWithParam<std::tuple<Path, Devices>> {
 protected:
  Settings settings() const {
    const auto& [path, devices] = GetParam();
    return {.generators = static_cast<int>(devices.find('-')),
            .trainers = static_cast<int>(devices.size() - devices.find('-') - 1),
            .path = path,
            .seed = std::random_device()()};
  }

  Devices devices() const {
    Devices letters = std::get<Devices>(GetParam());
    std::erase(letters, '-');
    return letters;
  }
};

TEST_P(DeviceExchangeTest, ComputesWhatAPlainLoopComputes) {
  const Settings job = settings();
  expect_same_bits(run_job(job, devices()).parameters, plain_loop(job), "seed " + std::to_string(job.seed));
}

// Also where the last buckets are published between two waits, so that no wait ends with them.
TEST_P(DeviceExchangeTest, NoStepIsExposedForLongerThanTheRun) {
  Settings job = settings();
  job.steps = 60;
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<double> exposed_ms = run_job(job, devices()).exposed_ms;
  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  ASSERT_FALSE(exposed_ms.empty());
  EXPECT_LT(std::ranges::max(exposed_ms), elapsed.count()) << "seed " << job.seed;
  EXPECT_GE(std::ranges::min(exposed_ms), 0) << "seed " << job.seed;
}

TEST_P(DeviceExchangeTest, ShowsTheDevicesWorkInTheTrace) {
  Settings job = settings();
  job.traced = true;
  const std::vector<ProcessTrace> traces = run_job(job, devices()).traces;
  ASSERT_EQ(traces.size(), devices().size());
  const std::size_t buckets = layout_of(job).bucket_count();
  for (const ProcessTrace& trace : traces) {
    const bool trains = trace.rank >= job.generators;
    const bool copies = trains && devices().at(static_cast<std::size_t>(trace.rank)) == 'd' && job.path == Path::mapped;
    const auto is = [&](TraceWhat what) {
      return std::ranges::count_if(trace.recorded.events, [&](const auto& event) { return event.label.what == what; });
    };
    const std::size_t copied = static_cast<std::size_t>(is(TraceWhat::copy));
    const bool reduces = !trains && devices().at(static_cast<std::size_t>(trace.rank)) == 'd';
    EXPECT_EQ(is(TraceWhat::reduce_on_device) > 0, reduces) << trace.name;
    EXPECT_EQ(is(TraceWhat::reduce) > 0, !trains && !reduces) << trace.name;
    // Gradients there and parameters here, but for those of the last version, of which no step comes.
    EXPECT_EQ(copied, copies ? 2 * buckets * job.steps : 0) << trace.name;
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Path, Devices>>& info) {
  const auto& [path, devices] = info.param;
  std::string name = std::string(to_string(path)) + "_" + devices;
  std::ranges::replace(name, '-', '_');
  return name;
}

// Generators before the hyphen, trainers behind it. Memory of these devices is private to a process: where both sides
// have one, no path is mapped.
INSTANTIATE_TEST_SUITE_P(Mapped, DeviceExchangeTest,
                         testing::Combine(testing::Values(Path::mapped),
                                          testing::Values("h-d", "h-dh", "d-hh", "hh-ddd", "dd-h")),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Put, DeviceExchangeTest,
                         testing::Combine(testing::Values(Path::one_sided, Path::emulated),
                                          testing::Values("d-dd", "h-dh", "d-hd", "dd-dd")),
                         name_of);

TEST(ClippedDeviceExchangeTest, GivesTheBitsOfTheHost) {
  for (const std::int64_t bucket_bytes : {16384, 65536, 1 << 20}) {
    Settings job = {.bucket_bytes = bucket_bytes, .clip_norm = 0.5, .averaged = bucket_bytes > 16384};
    const std::vector<float> expected = run_job(job, "hhh").parameters;
    EXPECT_NE(expected, plain_loop(job)) << "nothing was clipped";
    expect_same_bits(run_job(job, "dhh").parameters, expected, "generator");
    expect_same_bits(run_job(job, "hdd").parameters, expected, "trainers");
    job.path = Path::one_sided;
    expect_same_bits(run_job(job, "dhd").parameters, expected, "generator and a trainer");
  }
}

/// A trainer whose device is busy until its generator has gone.
RUNNEL_PEER(busy_device_peer) {
  const Settings settings = Settings::from(arguments);
  const BucketLayout layout = layout_of(settings);
  AsyncDevice device(/*seed=*/1);
  const PeerGroup group = introduce(bootstrap, settings, layout, device.id());
  TrainerClient client(bootstrap, group, layout, settings.config(), test_deadline(), {.device = &device});
  client.pull();
  std::atomic<bool> has_ended = false;
  device.compute().run([&] { has_ended.wait(false); });
  bootstrap.barrier(test_deadline());
  EXPECT_THROW(client.push({.loss = 1, .samples = 1, .staged_bytes = 0}), PeerLost);
  has_ended = true;
  has_ended.notify_all();
}

TEST(BusyDeviceTest, DoesNotTakeTheBlameForALostPeer) {
  const Settings job = {.trainers = 1};
  PeerProcesses peers("busy_device_peer", job.to_arguments());
  const BucketLayout layout = layout_of(job);
  const PeerGroup group = introduce(peers.bootstrap(), job, layout, DeviceId::cpu());
  {
    Generator generator(peers.bootstrap(), group, layout, job.config(), test_deadline());
    generator.publish_start(start_values(layout));
    peers.bootstrap().barrier(test_deadline());
  }
  peers.join();
}

/// The positive control: a device's work is late enough to be noticed.
TEST(AsyncDeviceTest, IsLateAndInOrder) {
  AsyncDevice device(/*seed=*/1);
  const auto stream = device.make_stream(8);
  std::atomic<int> value = 0;
  std::vector<int> seen;
  for (int i = 1; i <= 100; ++i) device.compute().run([&value, i] { value = i; });
  const int at_once = value;
  stream->wait_for_compute();
  dynamic_cast<AsyncStream&>(*stream).run([&] { seen.push_back(value); });
  stream->let_compute_wait();
  device.compute().run([&] { value = 0; });
  const DeviceStream::Mark mark = stream->mark();
  while (!stream->reached(mark)) std::this_thread::yield();
  EXPECT_LT(at_once, 100);
  EXPECT_EQ(seen, std::vector<int>{100});
}

TEST(AsyncDeviceTest, RefusesAddressesThatItCannotReach) {
  AsyncDevice device(/*seed=*/1);
  const auto stream = device.make_stream(8);
  std::vector<std::byte> memory(64);
  std::byte* const own = device.allocate(64);
  EXPECT_THROW(stream->copy(own, memory.data(), 64), RunError);
  EXPECT_THROW(stream->copy(memory.data(), own, 64), RunError);
  EXPECT_THROW(stream->copy(own + 1, own, 64), RunError);
  device.release(own);
}

}  // namespace
}  // namespace runnel::test
