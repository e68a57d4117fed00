// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The results of a run, and its end. The steps are in generator.cc.
#include <algorithm>
#include <chrono>
#include <exception>
#include <span>

#include "runtime/base/finite.h"
#include "runtime/generator/generator.h"

namespace runnel {

Score Generator::collect_evaluation() {
  const TraceSpan wait(fabric_.trace(), {.what = TraceWhat::wait, .step = protocol_.version() - 1});
  fabric_.liveness().enter(Phase::evaluate, protocol_.version());
  ++evaluations_collected_;
  await_evaluations(evaluations_collected_);
  const Score sum = records_.read_evaluation(protocol_.version());
  finite_.check_loss("the test", sum.loss.mean(), protocol_.version() - 1);
  return sum;
}

/// Waits until all trainers have rung the evaluation bell `count` times.
void Generator::await_evaluations(std::uint64_t count) {
  const auto missing = [&] {
    return std::ranges::find_if(evaluations_, [count](std::uint64_t received) { return received < count; });
  };
  wait_until([&] { return missing() == evaluations_.end(); },
             [&] { return links_[static_cast<std::size_t>(missing() - evaluations_.begin())]->peer.rank; });
}

std::span<const float> Generator::collect_parameters() {
  const auto own = memory_.read(protocol_.version());
  const std::span<const float> all = others_ ? others_->collect(buffer_of_version(protocol_.version()), own) : own;
  const auto index = first_nonfinite(all.first(layout_.float_counts().optimized));
  if (index) finite_.report_parameter(layout_.element_name(*index), all[*index], protocol_.version() - 1 - adopted_);
  return all;
}

ProcessTrace Generator::own_trace() {
  const Peer& self = fabric_.group().self();
  return {.rank = self.rank,
          .name = trace_name(self),
          .clock_offset_ns = 0,
          .recorded = read_trace(fabric_.trace().close(), self.name)};
}

void Generator::leave() {
  if (!fabric_.group().is_lead()) {
    fabric_.trace().close(facts_.front().clock_offset_ns);
    await_lead();
  }
  if (others_) others_->end_run();
  for (auto& link : links_) fabric_.loop().ring(link->version, kEndOfRun.encode(), link->peer.rank);
  if (adopted_ > 0) await_farewells();
  fabric_.loop().wait_for_transfers([this] { return first_unreached(links_); });
  fabric_.liveness().leave();
  for (auto& link : links_) (void)link->endpoint.close(Deadline::after(std::chrono::seconds(1)));
}

/// Where trainers end the run, each rings its evaluation bell when it needs this process no more: it may be gone then.
void Generator::await_farewells() {
  const auto missing = [this] {
    return std::ranges::find_if(links_, [](const auto& link) { return link->evaluation_received.value() == 0; });
  };
  fabric_.loop().wait_regardless([&] { return missing() == links_.end(); }, [&] { return (*missing())->peer.rank; });
}

void Generator::await_lead() {
  fabric_.liveness().enter(Phase::evaluate, protocol_.version());
  const Bell lead(fabric_.control(), GeneratorControl::kLeadBell);
  wait_until([&] { return lead.value() >= ShardCollector::kEnd; }, [this] { return fabric_.group().lead().rank; });
}

void Generator::fail(const std::exception& error) {
  const bool not_finite = dynamic_cast<const NotFinite*>(&error) != nullptr;
  fabric_.fail(not_finite ? StopCause::not_finite : StopCause::own_error);
}

}  // namespace runnel
