// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/run_checkpoints.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/config/optimizer_states.h"
#include "trainer/model/local_buffers.h"
#include "trainer/torch/scalar_type.h"
#include "transport/log.h"

namespace runnel {
namespace {

/// A text that all processes of a job have, and no other job: hosts and processes.
std::string name_of_run(const PeerGroup& group) {
  std::string all;
  for (const Peer& peer : group.all()) all += peer.host.identity + ' ' + std::to_string(peer.pid) + '\n';
  return to_hex(sha256(std::as_bytes(std::span(all)))).substr(0, 16);
}

std::string line_about(const Checkpointer::Outcome& outcome) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "checkpoint step-%lld, %.0f MB in %.2f s (exposed %.1f ms)",
                static_cast<long long>(outcome.version), static_cast<double>(outcome.bytes) * 1e-6, outcome.seconds,
                outcome.exposed_ms);
  return text.data();
}

}  // namespace

RunCheckpoints::RunCheckpoints(const Config& config, const BucketLayout& layout, const TrainedTensors& tensors,
                               Manifest description, bool leads, std::function<void(const std::string&)> print)
    : config_(config),
      layout_(layout),
      tensors_(tensors),
      description_(std::move(description)),
      leads_(leads),
      print_(std::move(print)) {
  if (leads_ && config_.checkpoint.is_on()) folder_.emplace(config_.checkpoint.directory);
}

void RunCheckpoints::begin(Generator& exchange, const PeerGroup& group, std::int64_t first, std::int64_t last) {
  if (!config_.checkpoint.is_on()) return;
  if (folder_) {
    for (const std::string& name : folder_->set_aside_after(first)) print_("set aside: " + name);
  }
  last_ = last;
  last_begin_ = Clock::now();
  checkpointer_.emplace(config_.checkpoint, name_of_run(group), layout_, static_cast<std::size_t>(group.self().index),
                        optimizer_states(config_.optimizer).size(), folder_ ? &*folder_ : nullptr);
  exchange.checkpoint_by(*checkpointer_, [this, &exchange](std::uint64_t version) {
    return due(exchange, static_cast<std::int64_t>(version));
  });
}

/// Asked by the lead about each version before it is published.
bool RunCheckpoints::due(Generator& exchange, std::int64_t version) {
  const Wish wish = exchange.liveness().take_wish();
  ends_ = wish == Wish::end;
  const bool must = wish != Wish::none || version == last_;
  if (!must && !wanted(version)) return false;
  if (must) {
    exchange.await_checkpoint();
  } else if (checkpointer_->busy()) {
    print_("checkpoint step-" + std::to_string(version) + " left out: the one before is still being written");
    return false;
  }
  note(exchange);
  last_begin_ = Clock::now();
  concludes_ = true;
  return true;
}

bool RunCheckpoints::wanted(std::int64_t version) const {
  const CheckpointConfig& config = config_.checkpoint;
  if (config.every_steps > 0 && version % config.every_steps == 0) return true;
  return config.every_s > 0 && Clock::now() - last_begin_ >= std::chrono::duration<double>(config.every_s);
}

void RunCheckpoints::after_step(Generator& exchange, const std::function<std::string()>& account) {
  if (!checkpointer_) return;
  if (std::exchange(concludes_, false)) checkpointer_->conclude(content_of(exchange.collect_state(), account()));
  note(exchange);
  if (!ends_) return;
  await_last(exchange);
  exchange.liveness().end_as_wished(saved_ > 0 ? "step " + std::to_string(saved_) + " is saved" : "nothing is saved");
}

void RunCheckpoints::finish(Generator& exchange) {
  if (!checkpointer_) return;
  await_last(exchange);
  if (leads_) exchange.liveness().end_steps();
}

void RunCheckpoints::await_last(Generator& exchange) {
  exchange.await_checkpoint();
  note(exchange);
}

void RunCheckpoints::save_what_is_whole(Generator& exchange, const std::function<std::string()>& account) noexcept {
  try {
    // The state of a trainer can no longer be asked for.
    if (!checkpointer_ || exchange.has_state()) return;
    if (exchange.begin_last_checkpoint() && leads_) checkpointer_->conclude(content_of({}, account()));
    const Clock::time_point until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                       std::chrono::duration<double>(config_.checkpoint.grace_s));
    while (checkpointer_->busy() && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    note(exchange);
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
}

void RunCheckpoints::note(Generator& exchange) {
  const auto outcome = exchange.note_checkpoint();
  if (!outcome) return;
  if (outcome->error) {
    if (config_.checkpoint.required) throw *outcome->error;
    return log_warning(std::string(outcome->error->what()) + "; the run goes on without the checkpoint of step " +
                       std::to_string(outcome->version));
  }
  times_.ms.push_back(1e3 * outcome->seconds);
  times_.exposed_ms.push_back(outcome->exposed_ms);
  saved_ = outcome->version;
  if (leads_) print_(line_about(*outcome));
}

Checkpointer::Content RunCheckpoints::content_of(std::span<const std::byte> state, const std::string& account) const {
  Checkpointer::Content content = {.manifest = description_, .others = {}, .bytes_of_others = {}};
  content.manifest.account = account;
  if (!state.empty()) write_local_buffers(tensors_, state);
  for (const ModelTensor& one : tensors_.all()) {
    if (one.place) continue;
    const at::Tensor values = one.tensor.detach().cpu().contiguous();
    const auto* first = static_cast<const std::byte*>(values.const_data_ptr());
    content.bytes_of_others.emplace_back(first, first + values.nbytes());
    content.others.push_back({one.names.front(), *element_type_of(values.scalar_type()), values.sizes().vec(),
                              content.bytes_of_others.back()});
  }
  return content;
}

}  // namespace runnel
