// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/handshake.h"

#include <deque>
#include <limits>

#include "runtime/base/joined.h"
#include "runtime/base/steady_clock.h"
#include "runtime/bootstrap/frame.h"
#include "runtime/fabric/path_requirement.h"

namespace runnel {
namespace {

// Words of the hello bells, which only rise. A trainer's answers in the clock rounds are times, far above these.
constexpr std::uint64_t kConnected = 1;
constexpr std::uint64_t kProbed = 2;
constexpr std::uint64_t kFirstClockRound = 3;
constexpr std::uint64_t kClockRounds = 8;

/// 36 years, in ns: no steady clock is that old, and sums of some such times do not overflow.
constexpr std::uint64_t kLatestNs = std::uint64_t{1} << 60;

/// Returns when every process has nothing under way and makes no progress any more. `awaited`: of
/// `CompletionLoop::wait_for_transfers`.
template <class Awaited>
void become_silent(Bootstrap& bootstrap, Fabric& fabric, Awaited&& awaited, const Deadline& deadline) {
  fabric.loop().wait_for_transfers(awaited);
  bootstrap.barrier(deadline, fabric.loop().progress());
  bootstrap.barrier(deadline, fabric.loop().silence());
}

/// Each slab is mapped or not by itself: without this a pair would pass for mapped of which one slab is.
PathReport not_more_than_the_other_slabs(PathReport report, const ProbedGenerator& generator) {
  const bool on_host = generator.parameters.kind() == MemoryKind::host;  // else words and tensors differ in kind
  const bool words_are_mapped = !on_host || generator.link.control.is_mapped();
  if (report.path != Path::mapped || (words_are_mapped && generator.parameters.is_mapped())) return report;
  report.path = Path::emulated;
  report.reason = std::string("the peer's gradients are mapped, its ") +
                  (words_are_mapped ? "parameters are not" : "control words are not");
  return report;
}

/// The path to `generator`. Errors here are this process's own: its peers are notified.
PathReport try_path(Fabric& fabric, PathProbe& probe, const ProbedGenerator& generator) {
  const Peer& peer = generator.link.peer;
  try {
    return not_more_than_the_other_slabs(probe.run(), generator);
  } catch (const TransportError& error) {
    fabric.loop().require_going_on();
    if (error.code() == StatusCode::peer_lost) fabric.liveness().throw_lost(peer.rank, error.what());
    fabric.fail();
    throw RunError(ExitStatus::internal, "the path to the " + peer.name +
                                             " cannot be probed rank=" + std::to_string(fabric.group().self().rank) +
                                             " peer=" + std::to_string(peer.rank) + " phase=bootstrap cause=" +
                                             error.what() + "; report it with the lines above");
  }
}

/// A trainer's path, and what `unmet_requirement` says of it.
struct SharedPath {
  PathReport report;
  std::string unmet;
};

std::vector<std::byte> pack(const std::vector<SharedPath>& all) {
  FrameWriter writer;
  writer.u32(static_cast<std::uint32_t>(all.size()));
  for (const SharedPath& shared : all) {
    writer.u8(static_cast<std::uint8_t>(shared.report.path));
    writer.u32(static_cast<std::uint32_t>(shared.report.transports.size()));
    for (const std::string& transport : shared.report.transports) writer.text(transport);
    writer.text(shared.report.reason);
    writer.text(shared.unmet);
  }
  return writer.seal(FrameKind::path);
}

SharedPath unpack(FrameReader& reader, int rank) {
  SharedPath shared;
  const std::uint8_t path = reader.u8();
  if (path > static_cast<std::uint8_t>(Path::mapped)) {
    throw FrameError("bad path " + std::to_string(path) + " from rank " + std::to_string(rank));
  }
  shared.report.path = static_cast<Path>(path);
  for (std::uint32_t left = reader.u32(); left > 0; --left) shared.report.transports.push_back(reader.text());
  shared.report.reason = reader.text();
  shared.unmet = reader.text();
  return shared;
}

/// The paths of the trainer of rank `rank`, one to each of `generators`.
std::vector<SharedPath> unpack(std::span<const std::byte> frame, int rank, int generators) {
  FrameReader reader(frame, FrameKind::path, "rank " + std::to_string(rank));
  if (const std::uint32_t count = reader.u32(); count != static_cast<std::uint32_t>(generators)) {
    throw FrameError("rank " + std::to_string(rank) + " has " + std::to_string(count) + " paths to " +
                     std::to_string(generators) + " generators");
  }
  std::vector<SharedPath> paths;
  for (int generator = 0; generator < generators; ++generator) paths.push_back(unpack(reader, rank));
  reader.finish();
  return paths;
}

/// "emulated (tcp/lo)".
std::string describe(const PathReport& report) {
  return std::string(to_string(report.path)) + " (" + joined(report.transports, " ") + ")";
}

/// Refuses the run when `path` is less than `require` asks for, with the reason that the trainer gives: it knows its
/// own machine.
void require_sufficient(const SharedPath& path, const Peer& trainer, const Peer& generator, RequiredPath require) {
  if (path.unmet.empty()) return;
  throw RunError(ExitStatus::bad_configuration,
                 "transport.require is \"" + std::string(word_of(require)) + "\", but " + trainer.name + " on " +
                     trainer.host.name + " reaches the " + generator.name + " on " + generator.host.name + " only " +
                     describe(path.report) + ": " + path.unmet + ", or lower transport.require");
}

/// The paths of every trainer, by index, to every generator; all of them sufficient.
std::vector<std::vector<PathReport>> sufficient_paths(const std::vector<std::vector<std::byte>>& frames,
                                                      const PeerGroup& group, RequiredPath require) {
  std::vector<std::vector<PathReport>> reports(static_cast<std::size_t>(group.trainers()));
  for (std::size_t index = 0; index < reports.size(); ++index) {
    const Peer& trainer = group.trainer(static_cast<int>(index));
    auto paths = unpack(frames[static_cast<std::size_t>(trainer.rank)], trainer.rank, group.generators());
    for (int generator = 0; generator < group.generators(); ++generator) {
      SharedPath& path = paths[static_cast<std::size_t>(generator)];
      require_sufficient(path, trainer, group.generator(generator), require);
      reports[index].push_back(std::move(path.report));
    }
  }
  return reports;
}

/// Collective: `sufficient_paths` of what every rank says.
std::vector<std::vector<PathReport>> share_paths(Bootstrap& bootstrap, Fabric& fabric,
                                                 const std::vector<SharedPath>& mine, RequiredPath require,
                                                 const Deadline& deadline) {
  const auto frames = bootstrap.all_gather(pack(mine), deadline, fabric.loop().progress());
  return decide_alike(bootstrap, [&] { return sufficient_paths(frames, fabric.group(), require); });
}

/// The trainer's clock minus this one, by the round with the least time under way: Cristian's algorithm (Distributed
/// Computing 3, 1989).
std::int64_t compare_clocks(Fabric& fabric, TrainerLink& link, int rank) {
  std::int64_t least_round_trip = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset = 0;
  for (std::uint64_t round = 0; round < kClockRounds; ++round) {
    const std::uint64_t before = link.hello_received.value();
    const std::int64_t sent = steady_ns();
    fabric.loop().ring(link.hello, kFirstClockRound + round, rank);
    fabric.loop().await(link.hello_received, before + 1, rank);
    const std::int64_t received = steady_ns();
    if (link.hello_received.value() > kLatestNs) {
      throw RunError(ExitStatus::protocol_mismatch, link.peer.name + " rang a time that no clock has rank=" +
                                                        std::to_string(fabric.group().self().rank) +
                                                        " peer=" + std::to_string(rank) + "; is it the same build?");
    }
    if (received - sent >= least_round_trip) continue;
    least_round_trip = received - sent;
    offset = static_cast<std::int64_t>(link.hello_received.value()) - (sent + received) / 2;
  }
  return offset;
}

void answer_clock_rounds(Fabric& fabric, GeneratorLink& link, int rank) {
  for (std::uint64_t round = 0; round < kClockRounds; ++round) {
    fabric.loop().await(link.hello_received, kFirstClockRound + round, rank);
    fabric.loop().ring(link.hello, static_cast<std::uint64_t>(steady_ns()), rank);
  }
}

/// A trainer's end of a probe: the generator progresses again, and compares clocks.
void end_probe(Fabric& fabric, PathProbe& probe, GeneratorLink& link, const Deadline& deadline) {
  const int rank = link.peer.rank;
  const Status status = probe.finish(deadline);
  if (!status.ok()) fabric.loop().throw_for(status, rank);
  fabric.loop().ring(link.hello, kProbed, rank);
  answer_clock_rounds(fabric, link, rank);
  fabric.loop().wait_for_transfers(rank);
}

}  // namespace

std::vector<TrainerFacts> handshake_with_trainers(Bootstrap& bootstrap, Fabric& fabric,
                                                  std::vector<std::unique_ptr<TrainerLink>>& links,
                                                  RequiredPath require, const Deadline& deadline) {
  const PeerGroup& group = fabric.group();
  const auto unreached = [&] { return first_unreached(links); };
  for (auto& link : links) {
    fabric.loop().ring(link->hello, kConnected, link->peer.rank);
  }
  for (auto& link : links) fabric.loop().await(link->hello_received, kConnected, link->peer.rank);
  become_silent(bootstrap, fabric, unreached, deadline);
  bootstrap.barrier(deadline, fabric.loop().silence());
  for (auto& link : links) fabric.loop().await(link->hello_received, kProbed, link->peer.rank);

  std::vector<TrainerFacts> facts(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::int64_t offset = compare_clocks(fabric, *links[i], links[i]->peer.rank);
    if (!group.same_host(links[i]->peer, group.self())) facts[i].clock_offset_ns = offset;
  }
  fabric.loop().wait_for_transfers(unreached);
  auto paths = share_paths(bootstrap, fabric, {}, require, deadline);
  for (std::size_t i = 0; i < facts.size(); ++i) facts[i].paths = std::move(paths[i]);
  return facts;
}

std::vector<PathReport> handshake_with_generators(Bootstrap& bootstrap, Fabric& fabric,
                                                  std::span<const ProbedGenerator> generators, RequiredPath require,
                                                  const Deadline& deadline) {
  const PeerGroup& group = fabric.group();
  const auto rank_of = [](const ProbedGenerator& generator) { return generator.link.peer.rank; };
  for (const auto& generator : generators) fabric.loop().ring(generator.link.hello, kConnected, rank_of(generator));
  for (const auto& generator : generators)
    fabric.loop().await(generator.link.hello_received, kConnected, rank_of(generator));
  const auto unreached = [&] {
    return rank_of(first_unreached(generators, [](const auto& one) { return one.link.hello.reached(); }));
  };
  become_silent(bootstrap, fabric, unreached, deadline);
  std::deque<PathProbe> probes;
  std::vector<PathReport> paths;
  for (const auto& generator : generators) {
    const PathProbe::Place bell = {generator.link.control, GeneratorControl::probe_area(group.self().index)};
    probes.emplace_back(generator.gradients, bell, generator.local, generator.offset);
    paths.push_back(try_path(fabric, probes.back(), generator));
  }
  bootstrap.barrier(deadline, fabric.loop().silence());
  std::vector<SharedPath> shared;
  for (std::size_t i = 0; i < generators.size(); ++i) {
    end_probe(fabric, probes[i], generators[i].link, deadline);
    const Peer& peer = generators[i].link.peer;
    const PairFacts facts =
        pair_facts(group.same_host(group.self(), peer), fabric.place_with(peer) == MemoryPlace::device);
    shared.push_back({paths[i], unmet_requirement(require, paths[i], facts)});
  }
  share_paths(bootstrap, fabric, shared, require, deadline);
  return paths;
}

}  // namespace runnel
