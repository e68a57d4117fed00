// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/pair_probe.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "runtime/base/steady_clock.h"
#include "runtime/doctor/probe_payload.h"
#include "runtime/fabric/handshake.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/protocol/control_layout.h"
#include "runtime/telemetry/run_report.h"
#include "transport/status.h"

namespace runnel {
namespace {

constexpr std::uint64_t kBellRounds = 200;
constexpr std::uint64_t kTransfers = 10;

/// A slow link has its transfers repeated no longer, so that a turn ends within the time that the generator waits for
/// it.
constexpr std::chrono::seconds kRepeatTime{2};

/// Above a round trip over any network that is worth training over, below a scheduler's slice.
constexpr std::chrono::microseconds kSpin{500};

/// The last of a trainer's turn: the evaluation bell, which is not needed for anything else here.
constexpr std::uint64_t kTurnIsOver = 1;

/// Of a trainer that measures: a put or a get, and rings.
constexpr std::size_t kOperations = 8;

double microseconds_since(std::int64_t start_ns) {
  return static_cast<double>(steady_ns() - start_ns) / 1e3;
}

/// For connecting, and for each trainer's turn.
Deadline probe_deadline(const Config& config) {
  return Deadline::after(
      std::chrono::duration_cast<Deadline::Clock::duration>(std::chrono::duration<double>(config.run.timeout_s)));
}

/// Runs `part` on every rank and throws `SetUpFailed` on all of them when it threw on one. `fabric`: once `part` has
/// made it.
void together(Bootstrap& bootstrap, const PeerGroup& group, const std::optional<Fabric>& fabric,
              const Deadline& deadline, const std::function<void()>& part) {
  std::string error;
  try {
    part();
  } catch (const std::runtime_error& failure) {
    error = failure.what();
  }
  const auto errors =
      bootstrap.all_gather(std::as_bytes(std::span(error)), deadline, fabric ? fabric->loop().silence() : nullptr);
  for (const Peer& peer : group.all()) {
    const auto& text = errors[static_cast<std::size_t>(peer.rank)];
    if (text.empty()) continue;
    throw SetUpFailed(peer.name + " on " + peer.host.name + ": " +
                      std::string(reinterpret_cast<const char*>(text.data()), text.size()));
  }
}

/// A wait ends only by what is watched.
void watch(Fabric& fabric, const TrainerLink& link) {
  const std::uint64_t tag = Tag{.rank = link.peer.rank}.encode();
  fabric.loop().queue().watch(link.endpoint, tag);
  for (const Bell* bell : {&link.hello_received, &link.gradient_received, &link.evaluation_received}) {
    fabric.loop().queue().watch(*bell, tag);
  }
}

void watch(Fabric& fabric, const GeneratorLink& link) {
  const std::uint64_t tag = Tag{.rank = link.peer.rank}.encode();
  fabric.loop().queue().watch(link.endpoint, tag);
  for (const Bell* bell : {&link.hello_received, &link.version_received}) fabric.loop().queue().watch(*bell, tag);
}

/// As `await`, but spins longer than a wait in a run before it parks: what is measured is the path, and not how long
/// the kernel takes to wake a process. The yields are for a peer that shares this core.
void await_spinning(Fabric& fabric, const Bell& bell, std::uint64_t word, int rank) {
  constexpr unsigned kPollsPerYield = 100;
  const Deadline spin = Deadline::after(kSpin);
  for (unsigned polls = 1; bell.value() < word; ++polls) {
    fabric.loop().drop_completions();
    if (polls % kPollsPerYield != 0) continue;
    if (spin.expired()) break;
    std::this_thread::yield();
  }
  fabric.loop().await(bell, word, rank);
}

/// A trainer's turn to measure.
class Measurement {
 public:
  Measurement(Fabric& fabric, GeneratorLink& link, Payload& payload)
      : fabric_(fabric), link_(link), payload_(payload), generator_(fabric.group().lead().rank) {}

  PairMeasurement run(PathReport path) {
    PairMeasurement facts{.path = std::move(path)};
    std::vector<double> round_trips;
    for (std::uint64_t i = 0; i < kBellRounds; ++i) round_trips.push_back(time_of([this] { round_trip(); }));
    facts.bell_us = quantiles(std::move(round_trips)).p50 / 2;
    payload_.fill();
    facts.put_us = median_of_transfers([this] { payload_.put(++word_); });
    facts.get_us = median_of_transfers([this] { payload_.get(); });
    payload_.compare();
    facts.copy_us = median_of_transfers([this] { payload_.copy(); });
    fabric_.loop().ring(link_.evaluation, kTurnIsOver, generator_);
    fabric_.loop().wait_for_transfers(generator_);
    return facts;
  }

 private:
  template <class Action>
  static double time_of(Action&& action) {
    const std::int64_t start = steady_ns();
    action();
    return microseconds_since(start);
  }

  template <class Action>
  static double median_of_transfers(Action&& action) {
    const Deadline enough = Deadline::after(kRepeatTime);
    std::vector<double> samples = {time_of(action)};
    while (samples.size() < kTransfers && !enough.expired()) samples.push_back(time_of(action));
    return quantiles(std::move(samples)).p50;
  }

  void round_trip() {
    fabric_.loop().ring(link_.gradient, ++word_, generator_);
    await_spinning(fabric_, link_.version_received, word_, generator_);
  }

  Fabric& fabric_;
  GeneratorLink& link_;
  Payload& payload_;
  int generator_;
  std::uint64_t word_ = 0;
};

/// The generator's side of a turn: it answers bells, and progresses until the trainer is through.
void answer(Fabric& fabric, TrainerLink& link, int rank) {
  for (std::uint64_t word = 1; word <= kBellRounds; ++word) {
    await_spinning(fabric, link.gradient_received, word, rank);
    fabric.loop().ring(link.version, word, rank);
  }
  fabric.loop().await(link.evaluation_received, kTurnIsOver, rank);
  fabric.loop().wait_for_transfers(rank);
}

/// The turns of all trainers, one after the other. Who has no turn progresses, as a put over a network needs it.
template <class Turn>
void take_turns(Bootstrap& bootstrap, Fabric& fabric, const Config& config, Turn&& turn) {
  for (int index = 0; index < fabric.group().trainers(); ++index) {
    turn(index);
    bootstrap.barrier(probe_deadline(config), fabric.loop().progress());
  }
  fabric.liveness().leave();
}

/// Runs `part`; where it throws, peers stop at once instead of waiting for this process.
template <class Part>
void telling_peers(Fabric& fabric, Part&& part) {
  try {
    part();
  } catch (...) {
    fabric.fail();
    throw;
  }
}

void probe_as_generator(Bootstrap& bootstrap, const PeerGroup& group, const Config& config, std::size_t payload_bytes,
                        Device* device, const Deadline& deadline) {
  std::optional<Fabric> fabric;
  std::optional<PayloadTarget> target;
  ConnectionOffer mine;
  together(bootstrap, group, fabric, deadline, [&] {
    fabric.emplace(group, config, GeneratorControl::bytes(group.trainers()),
                   kOperations * static_cast<std::size_t>(group.trainers()), deadline, device, 0);
    target.emplace(*fabric, payload_bytes);
    mine = fabric->offer();
    target->add_to(mine);
  });
  const auto offers = exchange_offers(bootstrap, mine, deadline, fabric->loop().silence());
  std::vector<std::unique_ptr<TrainerLink>> links;
  together(bootstrap, group, fabric, deadline, [&] {
    for (int index = 0; index < group.trainers(); ++index) {
      const auto rank = static_cast<std::size_t>(group.trainer(index).rank);
      links.push_back(std::make_unique<TrainerLink>(*fabric, offers[rank], index));
      watch(*fabric, *links.back());
    }
  });
  fabric->liveness().start(offers);
  telling_peers(*fabric, [&] {
    std::vector<PathReport> paths;
    for (TrainerFacts& facts : handshake_with_trainers(bootstrap, *fabric, links, RequiredPath::any, deadline)) {
      paths.push_back(std::move(facts.paths.front()));
    }
    fabric->loop().park_on(park_on_for(paths));
    take_turns(bootstrap, *fabric, config,
               [&](int index) { answer(*fabric, *links[static_cast<std::size_t>(index)], group.trainer(index).rank); });
  });
}

PairMeasurement probe_as_trainer(Bootstrap& bootstrap, const PeerGroup& group, const Config& config,
                                 std::size_t payload_bytes, Device* device, const Deadline& deadline) {
  std::optional<Fabric> fabric;
  std::optional<TensorSlab> memory;
  together(bootstrap, group, fabric, deadline, [&] {
    fabric.emplace(group, config, TrainerControl::bytes(group.generators()), kOperations, deadline, device, 0);
    memory.emplace(fabric->context(), device, Payload::memory_bytes(payload_bytes));
  });
  const auto offers = exchange_offers(bootstrap, fabric->offer(), deadline, fabric->loop().silence());
  const ConnectionOffer& generator = offers[static_cast<std::size_t>(group.lead().rank)];
  std::optional<GeneratorLink> link;
  std::optional<Payload> payload;
  together(bootstrap, group, fabric, deadline, [&] {
    link.emplace(*fabric, generator, /*generator=*/0);
    watch(*fabric, *link);
    payload.emplace(*fabric, *link, generator, memory->slab(), payload_bytes);
  });
  fabric->liveness().start(offers);
  PairMeasurement facts;
  telling_peers(*fabric, [&] {
    const ProbedGenerator probed = payload->to_probe();
    PathReport path =
        handshake_with_generators(bootstrap, *fabric, std::span(&probed, 1), RequiredPath::any, deadline).front();
    fabric->loop().park_on(park_on_for(std::span(&path, 1)));
    take_turns(bootstrap, *fabric, config, [&](int index) {
      if (index == group.self().index) facts = Measurement(*fabric, *link, *payload).run(std::move(path));
    });
  });
  return facts;
}

}  // namespace

std::optional<PairMeasurement> probe_pair(Bootstrap& bootstrap, const PeerGroup& group, const Config& config,
                                          std::size_t payload_bytes, Device* device) {
  const Deadline deadline = probe_deadline(config);
  if (group.self().role == Role::trainer) {
    return probe_as_trainer(bootstrap, group, config, payload_bytes, device, deadline);
  }
  probe_as_generator(bootstrap, group, config, payload_bytes, device, deadline);
  return std::nullopt;
}

}  // namespace runnel
