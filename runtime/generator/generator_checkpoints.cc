// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What a generator does about checkpoints, and where a run goes on from one. The steps are in generator.cc.
#include <algorithm>
#include <cassert>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/generator/generator.h"

namespace runnel {

void Generator::restore_states(const std::vector<std::vector<float>>& states) {
  const auto all = reducer_->states();
  assert(states.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    assert(states[i].size() == all[i].size());
    const auto* from = reinterpret_cast<const std::byte*>(states[i].data());
    if (Device* device = fabric_.device()) {
      device->copy_now(std::as_writable_bytes(all[i]).data(), from, all[i].size_bytes());
    } else {
      std::ranges::copy(states[i], all[i].begin());
    }
  }
}

void Generator::checkpoint_by(Checkpointer& checkpointer, std::function<bool(std::uint64_t)> due) {
  checkpointer_ = &checkpointer;
  checkpoint_due_ = std::move(due);
}

/// At the lead, when `version` is complete and not published: whether it is to be checkpointed. Then the others know on
/// return, and no generator can have begun to change it.
bool Generator::announce_checkpoint(std::uint64_t version) {
  if (checkpointer_ == nullptr) return false;
  if (!fabric_.group().is_lead()) return announced_ == version;
  if (!checkpoint_due_(version)) return false;
  if (others_) others_->announce_checkpoint(version);
  return true;
}

void Generator::on_lead_bell(std::uint64_t word) {
  announced_ = ShardCollector::announced_version(word);
  if (checkpointer_ != nullptr && announced_ > 0 && announced_ == protocol_.version()) begin_checkpoint();
}

/// Of the current version, of which nothing has been changed.
void Generator::begin_checkpoint() {
  if (checkpointer_->busy()) return;  // the lead sees that this part is missing
  const std::uint64_t version = protocol_.version();
  checkpointer_->begin(static_cast<std::int64_t>(version), memory_.parameters(version), reducer_->states(),
                       fabric_.device());
}

bool Generator::begin_last_checkpoint() {
  if (checkpointer_ == nullptr || checkpointer_->busy() || protocol_.step_begun()) return false;
  begin_checkpoint();
  return true;
}

std::optional<Checkpointer::Outcome> Generator::note_checkpoint() {
  auto outcome = checkpointer_->take_outcome();
  if (outcome) {
    fabric_.trace().add(outcome->begin_ns, outcome->end_ns,
                        {.what = TraceWhat::checkpoint, .step = static_cast<std::uint64_t>(outcome->version)});
  }
  return outcome;
}

void Generator::await_checkpoint() {
  const Meanwhile progress = fabric_.loop().progress();
  while (checkpointer_ != nullptr && checkpointer_->busy()) {
    progress();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace runnel
