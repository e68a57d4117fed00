// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/pair_probe.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/gpu/gpu_test.h"
#include "tests/processes/synthetic_job.h"
#include "tests/support/peer_process.h"

/// What `runnel doctor` measures where tensors lie in a GPU's memory. Without a GPU tests/cuda_stand_in runs the same.
namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = 3 << 20;

/// Takes its place in a job, of which `places` has a letter for each process, as in exchange_test.cc.
std::optional<PairMeasurement> probe(Bootstrap& bootstrap, const Settings& job, const std::string& places) {
  const bool on_gpu = places.at(static_cast<std::size_t>(bootstrap.rank())) == 'g';
  const std::unique_ptr<Device> device = on_gpu ? open_cuda(0) : nullptr;
  const PeerGroup group = introduce(bootstrap, job, layout_of(job), on_gpu ? device->id() : DeviceId::cpu());
  return probe_pair(bootstrap, group, job.config(), kPayloadBytes, device.get());
}

RUNNEL_PEER(gpu_probe_peer) {
  const Settings job = Settings::from(arguments);
  const std::string& places = arguments.back();
  const PairMeasurement pair = probe(bootstrap, job, places).value();
  const bool mapped = pair.path.path == Path::mapped;
  EXPECT_EQ(mapped, job.path == Path::mapped) << to_string(pair.path.path) << ": " << pair.path.reason;
  const bool on_gpus = places.front() == 'g' && places.at(static_cast<std::size_t>(bootstrap.rank())) == 'g';
  if (mapped && on_gpus) {
    EXPECT_THAT(pair.path.transports, testing::Contains(testing::StartsWith("cuda_ipc/")));
  }
  for (const double microseconds : {pair.bell_us, pair.put_us, pair.get_us, pair.copy_us}) EXPECT_GT(microseconds, 0);
}

class GpuPairProbeTest : public GpuTest {
 protected:
  /// The peers expect; what comes back is compared with what was put by `probe_pair` itself.
  static void probe_pairs(Path path, const std::string& places) {
    const Settings job = {.trainers = static_cast<int>(places.size()) - 1, .path = path};
    std::vector<std::string> arguments = job.to_arguments();
    arguments.push_back(places);
    PeerProcesses peers("gpu_probe_peer", arguments, job.trainers);
    EXPECT_EQ(probe(peers.bootstrap(), job, places), std::nullopt);
    peers.join();
  }
};

TEST_F(GpuPairProbeTest, MeasuresMappedMemory) {
  for (const char* places : {"ggg", "hgg", "ghh", "ghg"}) probe_pairs(Path::mapped, places);
}

TEST_F(GpuPairProbeTest, MeasuresPutsAndGets) {
  for (const char* places : {"gg", "hg", "gh"}) {
    probe_pairs(Path::one_sided, places);
    probe_pairs(Path::emulated, places);
  }
}

}  // namespace
}  // namespace runnel::test
