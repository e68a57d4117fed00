// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/checkpointer.h"

#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "runtime/base/atomic_file.h"
#include "runtime/base/start_thread.h"
#include "runtime/base/steady_clock.h"
#include "transport/deadline.h"

namespace runnel {
namespace {

/// From when the lead's shard is written. A disk that all share is as slow for the others.
constexpr std::chrono::minutes kLongestWaitForShards{10};

/// Of the calling thread: writing takes the processor only where nobody else wants it.
void lower_priority() {
  (void)setpriority(PRIO_PROCESS, 0, 10);
}

}  // namespace

Checkpointer::Checkpointer(const CheckpointConfig& config, std::string run, const BucketLayout& layout,
                           std::size_t index, std::size_t states, const CheckpointFolder* folder)
    : config_(config), run_(std::move(run)), layout_(layout), index_(index), folder_(folder) {
  snapshot_.emplace(layout, layout.shard(index), states);
}

Checkpointer::~Checkpointer() {
  if (!thread_.joinable()) return;
  abandon();
  thread_.join();
}

void Checkpointer::begin(std::int64_t version, const float* parameters, std::span<const std::span<float>> states,
                         Device* device) {
  assert(!busy());
  if (thread_.joinable()) thread_.join();  // its outcome is lost where nobody has asked for it
  outcome_ = {.version = version, .begin_ns = steady_ns()};
  done_ = false;
  content_.reset();
  snapshot_->begin(parameters, states, device);
  thread_ = start_thread("checkpoints", [this] { make(); });
}

void Checkpointer::conclude(Content content) {
  {
    const std::lock_guard lock(mutex_);
    content_ = std::move(content);
  }
  concluded_.notify_one();
}

/// Before the end of the process: a checkpoint that waits for something is given up.
void Checkpointer::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  concluded_.notify_one();
}

std::optional<Checkpointer::Outcome> Checkpointer::take_outcome() {
  if (!thread_.joinable() || !done_.load(std::memory_order_acquire)) return std::nullopt;
  thread_.join();
  return std::move(outcome_);
}

void Checkpointer::make() {
  snapshot_->complete();
  outcome_.exposed_ms = static_cast<double>(snapshot_->exposed_ns()) * 1e-6;
  lower_priority();
  try {
    write();
  } catch (const RunError& error) {
    outcome_.error = error;
  } catch (const std::exception& error) {
    outcome_.error = RunError(ExitStatus::internal, error.what());
  }
  outcome_.end_ns = steady_ns();
  outcome_.seconds = static_cast<double>(outcome_.end_ns - outcome_.begin_ns) * 1e-9;
  done_.store(true, std::memory_order_release);
}

void Checkpointer::write() {
  const CheckpointWriter writer(config_.directory, outcome_.version, run_, layout_);
  ShardValues values = {.parameters = snapshot_->parameters(), .states = {}, .others = {}};
  for (std::size_t i = 0; i < snapshot_->states(); ++i) values.states.push_back(snapshot_->state(i));
  if (!leads()) {
    outcome_.bytes = writer.write_shard(index_, values).bytes;
    return;
  }
  Content content = await_content();
  values.others = content.others;
  outcome_.bytes = writer.write_shard(index_, values).bytes;
  await_shards(writer);
  writer.write_manifest(std::move(content.manifest));
  folder_->retain(static_cast<std::size_t>(config_.keep), outcome_.version);
}

Checkpointer::Content Checkpointer::await_content() {
  std::unique_lock lock(mutex_);
  concluded_.wait(lock, [this] { return content_ || abandoned_; });
  require_wanted();
  return std::move(*content_);
}

/// With `mutex_`.
void Checkpointer::require_wanted() const {
  if (abandoned_) throw RunError(ExitStatus::peer_lost, "the run has ended");
}

void Checkpointer::await_shards(const CheckpointWriter& writer) {
  const Deadline deadline = Deadline::after(kLongestWaitForShards);
  for (std::size_t index = 1; index < layout_.shard_count(); ++index) {
    for (;;) {
      if (const auto shard = writer.find_shard(index)) {
        outcome_.bytes += shard->bytes;
        break;
      }
      if (deadline.expired()) {
        throw WriteError(ExitStatus::cannot_write, writer.folder().string() + ": generator " + std::to_string(index) +
                                                       " has not written its part; do all hosts have this folder?");
      }
      std::unique_lock lock(mutex_);
      concluded_.wait_for(lock, std::chrono::milliseconds(10), [this] { return abandoned_; });
      require_wanted();
    }
  }
}

}  // namespace runnel
