// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"
#include "tests/gpu/gpu_test.h"
#include "tests/processes/synthetic_job.h"
#include "tests/support/peer_process.h"

/// The exchange of tensors in a GPU's memory, which processes share, against a plain loop. Gradients are computed by
/// the processor: tests/processes/device_exchange_test.cc has the order against what a device computes. Without a GPU
/// tests/cuda_stand_in runs the same.
namespace runnel::test {
namespace {

/// A letter for each process, by rank: g for one with tensors on the GPU, h for one on the host.
std::unique_ptr<Device> device_of(const std::string& places, int rank) {
  return places.at(static_cast<std::size_t>(rank)) == 'g' ? open_cuda(0) : nullptr;
}

void copy(Device* device, std::span<float> target, std::span<const float> source) {
  const auto from = std::as_bytes(source);
  const auto to = std::as_writable_bytes(target);
  if (device != nullptr) return device->copy_now(to.data(), from.data(), from.size());
  std::ranges::copy(from, to.begin());
}

void run_trainer(TrainerClient& client, const Settings& settings, int trainer, Device* device) {
  std::vector<float> parameters(client.parameters(0).size());
  std::vector<float> gradients(parameters.size());
  for (std::uint64_t step = 0; step < settings.steps; ++step) {
    client.pull();
    copy(device, parameters, client.parameters(client.buffer()));
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] = gradient(trainer, step, i, parameters[i]);
    copy(device, client.gradients(client.slot()), gradients);
    client.push({.loss = 1, .samples = 1, .staged_bytes = 0});
  }
  client.pull();
  client.report_evaluation({});
  client.leave();
}

RUNNEL_PEER(gpu_peer) {
  const Settings settings = Settings::from(arguments);
  const BucketLayout layout = layout_of(settings);
  const auto device = device_of(arguments.back(), bootstrap.rank());
  const PeerGroup group = introduce(bootstrap, settings, layout, id_of(device.get()));
  if (group.self().role == Role::generator) {
    Generator generator(bootstrap, group, layout, settings.config(), test_deadline(), {.device = device.get()});
    make_steps(generator, settings, layout);
    return generator.leave();
  }
  TrainerClient client(bootstrap, group, layout, settings.config(), test_deadline(), {.device = device.get()});
  for (int generator = 0; generator < group.generators(); ++generator) {
    const PathReport& path = client.paths()[static_cast<std::size_t>(generator)];
    const bool mapped = path.path == Path::mapped;
    // What is not mapped may be one-sided or emulated, as UCX has it.
    EXPECT_EQ(mapped, settings.path == Path::mapped) << to_string(path.path) << ": " << path.reason;
    if (mapped && device != nullptr && group.generator(generator).has_device()) {
      EXPECT_THAT(path.transports, testing::Contains(testing::StartsWith("cuda_ipc/")));
    }
  }
  run_trainer(client, settings, group.self().index, device.get());
}

class GpuExchangeTest : public GpuTest {
 protected:
  /// `places`: generators, a hyphen, trainers.
  static std::vector<float> run_job(Settings job, std::string places) {
    std::erase(places, '-');
    std::vector<std::string> arguments = job.to_arguments();
    arguments.push_back(places);
    PeerProcesses peers("gpu_peer", arguments, job.trainers + job.generators - 1);
    const BucketLayout layout = layout_of(job);
    const auto device = device_of(places, 0);
    const PeerGroup group = introduce(peers.bootstrap(), job, layout, id_of(device.get()));
    Generator generator(peers.bootstrap(), group, layout, job.config(), test_deadline(), {.device = device.get()});
    make_steps(generator, job, layout);
    generator.collect_evaluation();
    const auto result = generator.collect_parameters();
    std::vector<float> parameters(result.begin(), result.end());
    generator.leave();
    peers.join();
    return parameters;
  }

  static void expect_plain_loop(Path path, const std::string& places) {
    const Settings job = {.generators = static_cast<int>(places.find('-')),
                          .trainers = static_cast<int>(places.size() - places.find('-') - 1),
                          .path = path};
    expect_same_bits(run_job(job, places), plain_loop(job), places);
  }
};

TEST_F(GpuExchangeTest, MapsMemoryOfTheGpuAndOfTheHost) {
  for (const char* places : {"g-gg", "h-gg", "g-hh", "g-hg", "gg-gh"}) expect_plain_loop(Path::mapped, places);
}

TEST_F(GpuExchangeTest, PutsAndGetsMemoryOfTheGpu) {
  for (const char* places : {"g-gg", "h-g", "g-h"}) {
    expect_plain_loop(Path::one_sided, places);
    expect_plain_loop(Path::emulated, places);
  }
}

}  // namespace
}  // namespace runnel::test
