// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"
#include "tests/support/peer_process.h"

/// On a mapped path nothing is copied: what a trainer reads and writes are the generators' own pages. /proc/PID/maps
/// shows it: the same inode in both processes.
namespace runnel::test {
namespace {

/// A range of addresses of this process that maps a shared file.
struct SharedMapping {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::string file;  ///< device and inode
};

std::vector<SharedMapping> shared_mappings() {
  std::vector<SharedMapping> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    SharedMapping mapping;
    char dash = 0;
    std::string permissions, offset, device, inode;
    fields >> std::hex >> mapping.begin >> dash >> mapping.end >> permissions >> offset >> device >> inode;
    if (permissions.back() != 's') continue;
    mapping.file = device + " " + inode;
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

/// The files, a line each, that this process shares.
std::string shared_files() {
  std::set<std::string> files;
  for (const SharedMapping& mapping : shared_mappings()) files.insert(mapping.file);
  std::string text;
  for (const std::string& file : files) text += file + "\n";
  return text;
}

/// Expects every byte of `memory` to be in a mapping of one of `files`.
void expect_in(const std::string& files, std::span<const std::byte> memory, const std::string& what) {
  auto at = reinterpret_cast<std::uintptr_t>(memory.data());
  const std::uintptr_t end = at + memory.size();
  for (const SharedMapping& mapping : shared_mappings()) {
    if (at >= end || at < mapping.begin || at >= mapping.end) continue;
    EXPECT_NE(files.find(mapping.file + "\n"), std::string::npos)
        << what << " lies in " << mapping.file << ", which is none of:\n"
        << files;
    at = mapping.end;
  }
  EXPECT_GE(at, end) << what << " does not lie in shared memory";
}

// One tensor over all shards, whose ends lie inside a block.
BucketLayout layout_for(std::size_t generators) {
  return {{{.name = "a", .shape = {100'001}}}, 65536, generators};
}

Config config_for(std::size_t generators) {
  Config config;
  config.trainer.count = 1;
  config.generator.count = static_cast<std::int64_t>(generators);
  config.transport.path = Path::mapped;
  config.run.timeout_s = 15;
  return config;
}

PeerGroup introduce(Bootstrap& bootstrap, std::size_t generators) {
  const Introduction mine =
      make_introduction(config_for(generators), layout_for(generators).fingerprint(), DeviceId::cpu());
  return PeerGroup::introduce(bootstrap, mine, static_cast<int>(generators), test_deadline());
}

/// Collective: the shared files of every rank.
std::vector<std::string> gather_files(Bootstrap& bootstrap) {
  const std::string mine = shared_files();
  std::vector<std::string> all;
  for (const auto& blob : bootstrap.all_gather(std::as_bytes(std::span(mine)), test_deadline())) {
    all.emplace_back(reinterpret_cast<const char*>(blob.data()), blob.size());
  }
  return all;
}

void look_at_windows(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout) {
  TrainerClient client(bootstrap, group, layout, config_for(layout.shard_count()), test_deadline());
  const auto files = gather_files(bootstrap);
  for (std::size_t i = 0; i < layout.shard_count(); ++i) {
    const ByteRange bytes = layout.shard(i).bytes;
    for (int copy = 0; copy < 2; ++copy) {
      const std::string place = " of shard " + std::to_string(i) + ", copy " + std::to_string(copy);
      expect_in(files[i], std::as_bytes(client.gradients(copy)).subspan(bytes.begin, bytes.size()), "slot" + place);
      expect_in(files[i], std::as_bytes(client.parameters(copy)).subspan(bytes.begin, bytes.size()), "buffer" + place);
    }
  }
  client.pull();
  client.push({.loss = 0, .samples = 1});
  client.pull();
  client.report_evaluation({});
  client.leave();
}

RUNNEL_PEER(zero_copy_peer) {
  const auto generators = static_cast<std::size_t>(std::stoi(arguments.at(0)));
  const BucketLayout layout = layout_for(generators);
  const PeerGroup group = introduce(bootstrap, generators);
  if (group.self().role == Role::trainer) return look_at_windows(bootstrap, group, layout);
  Generator generator(bootstrap, group, layout, config_for(generators), test_deadline());
  gather_files(bootstrap);
  generator.publish_start(std::vector<float>(layout.float_count()));
  generator.step(/*lr=*/0.1);
  generator.leave();
}

class ZeroCopyTest : public testing::TestWithParam<int> {};

TEST_P(ZeroCopyTest, TrainersMapThePagesOfTheGenerators) {
  const int generators = GetParam();
  PeerProcesses peers("zero_copy_peer", {std::to_string(generators)}, generators);
  const BucketLayout layout = layout_for(static_cast<std::size_t>(generators));
  const PeerGroup group = introduce(peers.bootstrap(), layout.shard_count());
  Generator generator(peers.bootstrap(), group, layout, config_for(layout.shard_count()), test_deadline());
  gather_files(peers.bootstrap());
  generator.publish_start(std::vector<float>(layout.float_count()));
  generator.step(/*lr=*/0.1);
  generator.collect_evaluation();
  EXPECT_EQ(generator.timings().staged_bytes, 0U);
  generator.leave();
  peers.join();
}

INSTANTIATE_TEST_SUITE_P(Generators, ZeroCopyTest, testing::Values(1, 3));

TEST(ZeroCopyCheckTest, SeesPrivateMemory) {
  const std::vector<float> elsewhere(1000);
  EXPECT_NONFATAL_FAILURE(expect_in(shared_files(), std::as_bytes(std::span(elsewhere)), "a vector"),
                          "does not lie in shared memory");
}

}  // namespace
}  // namespace runnel::test
