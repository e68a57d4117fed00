// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/path.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/scoped_environment.h"
#include "tests/transport/link.h"
#include "tests/transport/rows.h"

static thread_local unsigned yields = 0;

// Stands in for the C library's.
extern "C" int sched_yield() noexcept {
  ++yields;
  return static_cast<int>(syscall(SYS_sched_yield));
}

namespace runnel::test {
namespace {

class PathTest : public OnEachPath {};

PathReport classify(Link& link) {
  PathProbe::prepare(link.slab, kPeerProbeOffset);
  const PathProbe::Place area = {link.region, kPeerProbeOffset};
  PathProbe probe(area, area, link.slab, kOwnProbeOffset);
  link.barrier();
  link.silent_barrier();
  yields = 0;
  const PathReport report = probe.run();
  // On a machine with more processes than cores, the peer may need the core to become silent.
  if (report.path == Path::emulated) {
    EXPECT_GT(yields, 0u);
  }
  link.silent_barrier();
  throw_unless_ok(probe.finish(test_deadline()));
  link.barrier();
  return report;
}

// Lets itself be probed: silent while the other side tries.
RUNNEL_PEER(silent_peer) {
  Link link(bootstrap, path_of(arguments), 4096);
  PathProbe::prepare(link.slab, kPeerProbeOffset);
  link.barrier();
  link.silent_barrier();  // from here on it is silent
  link.silent_barrier();  // until here
  link.barrier();
}

TEST_P(PathTest, IsWhatWasForced) {
  PeerProcesses peer("silent_peer", {path_name()});
  Link link(peer.bootstrap(), GetParam(), 4096);
  const PathReport report = classify(link);
  if (GetParam() == Path::one_sided && !cma_gets_are_one_sided()) {
    EXPECT_EQ(report.path, Path::emulated);
    EXPECT_EQ(report.reason, "a put completed while the peer was silent, a get did not");
  } else {
    EXPECT_EQ(to_string(report.path), to_string(GetParam())) << report.reason;
  }
  ASSERT_FALSE(report.transports.empty());
  EXPECT_EQ(report.transports.front().starts_with("tcp/"), GetParam() == Path::emulated) << report.transports.front();
}

RUNNEL_ON_EACH_PATH(PathTest);

// UCX's own word: with emulation forbidden, put, bell and get still work on the one-sided path.
TEST(PathAssertionTest, TheOneSidedPathNeedsNoEmulation) {
  if (!cma_gets_are_one_sided()) GTEST_SKIP() << "UCX " << ucx_version() << " emulates gets on one host";
  const ScopedEnvironment forbid("UCX_PROTO_EMULATION_ENABLE", "n");
  PeerProcesses peer("silent_peer", {std::string(to_string(Path::one_sided))});
  Link link(peer.bootstrap(), Path::one_sided, 4096);
  EXPECT_EQ(classify(link).path, Path::one_sided);
}

TEST(PathNameTest, ReadsWhatItWrites) {
  for (const Path path : {Path::mapped, Path::one_sided, Path::emulated}) {
    EXPECT_EQ(path_from_string(to_string(path)), path);
  }
  EXPECT_EQ(path_from_string("auto"), std::nullopt);
  EXPECT_GT(Path::mapped, Path::one_sided);
  EXPECT_GT(Path::one_sided, Path::emulated);
}

TEST(ParkOnTest, FollowsFromHowPeersWrite) {
  const PathReport mapped = {.path = Path::mapped, .transports = {"posix/memory"}, .reason = ""};
  const PathReport silent = {.path = Path::one_sided, .transports = {"posix/memory", "cma/memory"}, .reason = ""};
  const PathReport half_emulated = {.path = Path::emulated, .transports = {"posix/memory"}, .reason = ""};
  const PathReport network = {.path = Path::emulated, .transports = {"tcp/lo"}, .reason = ""};
  using Reports = std::vector<PathReport>;
  EXPECT_EQ(park_on_for(Reports{mapped, mapped}), ParkOn::park_word);
  EXPECT_EQ(park_on_for(Reports{network, network}), ParkOn::events);
  EXPECT_EQ(park_on_for(Reports{mapped, network}), ParkOn::capped_events);
  EXPECT_EQ(park_on_for(Reports{silent}), ParkOn::capped_events);
  EXPECT_EQ(park_on_for(Reports{half_emulated}), ParkOn::capped_events);
}

}  // namespace
}  // namespace runnel::test
