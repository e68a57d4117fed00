// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/handshake.h"

#include <algorithm>
#include <limits>

#include "runtime/frame.h"
#include "runtime/path_requirement.h"

namespace runnel {
namespace {

// Words of the hello bells, which only rise. A trainer's answers in the clock rounds are times, far above these.
constexpr std::uint64_t kConnected = 1;
constexpr std::uint64_t kProbed = 2;
constexpr std::uint64_t kFirstClockRound = 3;
constexpr std::uint64_t kClockRounds = 8;

/// Waits until the bell that `rank` rings is at least `word`. Completions are of no interest yet.
void await(Fabric& fabric, const Bell& bell, std::uint64_t word, int rank) {
  fabric.wait_until([](const Completion&) {}, [&] { return bell.value() >= word; }, [rank] { return rank; });
}

void ring(Fabric& fabric, RemoteBell& bell, std::uint64_t word, int rank) {
  const Status status = fabric.queue().ring(bell, word, 0);
  if (!status.ok()) fabric.throw_for(status, rank);
}

/// Returns when every process has nothing under way and makes no progress any more. `awaited`: of
/// `Fabric::wait_for_transfers`.
template <class Awaited>
void become_silent(Bootstrap& bootstrap, Fabric& fabric, Awaited&& awaited, const Deadline& deadline) {
  fabric.wait_for_transfers(awaited);
  bootstrap.barrier(deadline, [&] { fabric.drop_completions(); });
  bootstrap.barrier(deadline);
}

/// A trainer's path, and what `unmet_requirement` says of it.
struct SharedPath {
  PathReport report;
  std::string unmet;
};

std::vector<std::byte> pack(const SharedPath& shared) {
  const PathReport& report = shared.report;
  FrameWriter writer;
  writer.u8(static_cast<std::uint8_t>(report.path));
  writer.u32(static_cast<std::uint32_t>(report.transports.size()));
  for (const std::string& transport : report.transports) writer.text(transport);
  writer.text(report.reason);
  writer.text(shared.unmet);
  return writer.seal(FrameKind::path);
}

SharedPath unpack(std::span<const std::byte> frame, int rank) {
  FrameReader reader(frame, FrameKind::path, "rank " + std::to_string(rank));
  SharedPath shared;
  PathReport& report = shared.report;
  const std::uint8_t path = reader.u8();
  if (path > static_cast<std::uint8_t>(Path::mapped)) {
    throw FrameError("bad path " + std::to_string(path) + " from rank " + std::to_string(rank));
  }
  report.path = static_cast<Path>(path);
  for (std::uint32_t left = reader.u32(); left > 0; --left) report.transports.push_back(reader.text());
  report.reason = reader.text();
  shared.unmet = reader.text();
  reader.finish();
  return shared;
}

/// "emulated (tcp/lo)".
std::string describe(const PathReport& report) {
  std::string transports;
  for (const std::string& transport : report.transports) transports += (transports.empty() ? "" : " ") + transport;
  return std::string(to_string(report.path)) + " (" + transports + ")";
}

/// The path of every trainer, by index. Refuses the run when one is less than `require` asks for, with the reason that
/// the trainer gives: it knows its own machine.
std::vector<PathReport> sufficient_paths(const std::vector<std::vector<std::byte>>& frames, const PeerGroup& group,
                                         const std::string& require) {
  std::vector<PathReport> reports;
  for (int index = 0; index < group.trainers(); ++index) {
    const Peer& trainer = group.trainer(index);
    SharedPath path = unpack(frames[static_cast<std::size_t>(trainer.rank)], trainer.rank);
    if (!path.unmet.empty()) {
      throw RunError(ExitStatus::bad_configuration,
                     "transport.require is \"" + require + "\", but trainer " + std::to_string(index) + " on " +
                         trainer.host.name + " reaches the generator on " + group.generator().host.name + " only " +
                         describe(path.report) + ": " + path.unmet + ", or lower transport.require");
    }
    reports.push_back(std::move(path.report));
  }
  return reports;
}

/// Collective: `sufficient_paths` of what every rank says.
std::vector<PathReport> share_paths(Bootstrap& bootstrap, Fabric& fabric, const SharedPath& mine,
                                    const std::string& require, const Deadline& deadline) {
  const auto frames = bootstrap.all_gather(pack(mine), deadline, [&] { fabric.drop_completions(); });
  return decide_alike(bootstrap, [&] { return sufficient_paths(frames, fabric.group(), require); });
}

/// The trainer's clock minus this one, by the round with the least time under way: Cristian's algorithm (Distributed
/// Computing 3, 1989).
std::int64_t compare_clocks(Fabric& fabric, TrainerLink& link, int rank) {
  std::int64_t least_round_trip = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset = 0;
  for (std::uint64_t round = 0; round < kClockRounds; ++round) {
    const std::uint64_t before = link.hello_heard.value();
    const std::int64_t sent = steady_ns();
    ring(fabric, link.hello, kFirstClockRound + round, rank);
    await(fabric, link.hello_heard, before + 1, rank);
    const std::int64_t received = steady_ns();
    if (received - sent >= least_round_trip) continue;
    least_round_trip = received - sent;
    offset = static_cast<std::int64_t>(link.hello_heard.value()) - (sent + received) / 2;
  }
  return offset;
}

void answer_clock_rounds(Fabric& fabric, GeneratorLink& link, int rank) {
  for (std::uint64_t round = 0; round < kClockRounds; ++round) {
    await(fabric, link.hello_heard, kFirstClockRound + round, rank);
    ring(fabric, link.hello, static_cast<std::uint64_t>(steady_ns()), rank);
  }
}

}  // namespace

std::vector<TrainerFacts> greet_trainers(Bootstrap& bootstrap, Fabric& fabric,
                                         std::vector<std::unique_ptr<TrainerLink>>& links, const std::string& require,
                                         const Deadline& deadline) {
  fabric.begin_bootstrap(deadline);
  const PeerGroup& group = fabric.group();
  const auto each_trainer = [&](auto&& action) {
    for (int index = 0; index < group.trainers(); ++index) {
      action(*links[static_cast<std::size_t>(index)], group.trainer(index));
    }
  };
  const auto unreached = [&] { return first_unreached(links, group); };
  each_trainer([&](TrainerLink& link, const Peer& peer) {
    PathProbe::prepare(fabric.control(), GeneratorControl::probe_area(peer.index));
    ring(fabric, link.hello, kConnected, peer.rank);
  });
  each_trainer([&](TrainerLink& link, const Peer& peer) { await(fabric, link.hello_heard, kConnected, peer.rank); });
  become_silent(bootstrap, fabric, unreached, deadline);
  bootstrap.barrier(deadline);
  each_trainer([&](TrainerLink& link, const Peer& peer) { await(fabric, link.hello_heard, kProbed, peer.rank); });

  std::vector<TrainerFacts> facts(links.size());
  each_trainer([&](TrainerLink& link, const Peer& peer) {
    const std::int64_t offset = compare_clocks(fabric, link, peer.rank);
    if (!group.same_host(peer, group.self())) facts[static_cast<std::size_t>(peer.index)].clock_offset_ns = offset;
  });
  fabric.wait_for_transfers(unreached);
  auto paths = share_paths(bootstrap, fabric, {}, require, deadline);
  for (std::size_t i = 0; i < facts.size(); ++i) facts[i].path = std::move(paths[i]);
  return facts;
}

PathReport greet_generator(Bootstrap& bootstrap, Fabric& fabric, GeneratorLink& link, const std::string& require,
                           const Deadline& deadline) {
  fabric.begin_bootstrap(deadline);
  const PeerGroup& group = fabric.group();
  const int generator = group.generator().rank;
  ring(fabric, link.hello, kConnected, generator);
  await(fabric, link.hello_heard, kConnected, generator);
  become_silent(bootstrap, fabric, generator, deadline);
  PathProbe probe(link.control, GeneratorControl::probe_area(group.self().index), fabric.control(),
                  TrainerControl::kProbeArea);
  const PathReport mine = probe.run();
  bootstrap.barrier(deadline);
  const Status status = probe.finish(deadline);
  if (!status.ok()) fabric.throw_for(status, generator);
  ring(fabric, link.hello, kProbed, generator);
  answer_clock_rounds(fabric, link, generator);
  fabric.wait_for_transfers(generator);
  const PairFacts facts = pair_facts(group.same_host(group.self(), group.generator()));
  share_paths(bootstrap, fabric, {mine, unmet_requirement(require, mine, facts)}, require, deadline);
  return mine;
}

}  // namespace runnel
