// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/generator.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/base/steady_clock.h"
#include "runtime/config/optimizer_states.h"

namespace runnel {
namespace {

// What completions are about (`Tag::about`).
constexpr std::uint32_t kPeer = 0;
constexpr std::uint32_t kGradient = 1;
constexpr std::uint32_t kEvaluation = 2;
constexpr std::uint32_t kLead = 3;

/// Rings that may be under way: hello, the version's latest and one that waits for it, to each trainer and, of the
/// lead, to each other generator.
std::size_t operations_for(const PeerGroup& group) {
  return 4 * group.all().size();
}

std::size_t shared_states(const Config& config, StatePlace place) {
  return place == StatePlace::shared ? optimizer_states(config.optimizer).size() : 0;
}

}  // namespace

Generator::Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                     const Deadline& deadline, const GeneratorOptions& options)
    : fabric_(group, config, GeneratorControl::bytes(group.trainers()), operations_for(group), deadline, options.device,
              GeneratorMemory::host_bytes(group, options.device, layout,
                                          layout.shard(static_cast<std::size_t>(group.self().index)),
                                          shared_states(config, options.states))),
      layout_(layout),
      shard_(layout.shard(static_cast<std::size_t>(group.self().index))),
      memory_(fabric_, layout, shard_, shared_states(config, options.states)),
      facts_(static_cast<std::size_t>(group.trainers())),
      records_(fabric_.control(), group, layout, config, facts_),
      finite_(config.run),
      protocol_(group.trainers(), shard_.buckets, options.first_version),
      slots_(static_cast<std::size_t>(group.trainers())),
      evaluations_(static_cast<std::size_t>(group.trainers())),
      optimizer_steps_(static_cast<std::int64_t>(options.first_version)) {
  passes_ = make_reduction_passes(options.device, memory_, fabric_.trace(), shard_.buckets);
  reducer_ = make_reducer(config, layout.float_counts(shard_), options.device, passes_->stream(), memory_.states());
  ConnectionOffer mine = fabric_.offer();
  memory_.add_to(mine);
  memory_.prepare_probes();
  const auto offers = exchange_offers(bootstrap, mine, deadline, fabric_.loop().silence());
  connect(offers, options.state_bytes);
  fabric_.liveness().start(offers);
  if (others_) others_->ring_hello();
  facts_ = handshake_with_trainers(bootstrap, fabric_, links_, config.transport.require, deadline);
  memory_.clear_probes();
  std::vector<PathReport> paths;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    paths.push_back(facts_[i].paths[static_cast<std::size_t>(group.self().index)]);
    if (paths.back().path != Path::mapped || links_[i]->peer.has_device()) fetching_.push_back(links_[i].get());
  }
  fabric_.loop().park_on(park_on_for(paths));
}

void Generator::connect(const std::vector<ConnectionOffer>& offers, std::size_t state_bytes) {
  const PeerGroup& group = fabric_.group();
  for (int index = 0; index < group.trainers(); ++index) {
    const int rank = group.trainer(index).rank;
    TrainerLink& link =
        *links_.emplace_back(std::make_unique<TrainerLink>(fabric_, offers[static_cast<std::size_t>(rank)], index));
    CompletionQueue& queue = fabric_.loop().queue();
    queue.watch(link.endpoint, Tag{rank, kPeer}.encode());
    queue.watch(link.hello_received, Tag{rank, kPeer}.encode());
    queue.watch(link.gradient_received, Tag{rank, kGradient}.encode());
    queue.watch(link.evaluation_received, Tag{rank, kEvaluation}.encode());
  }
  if (group.is_lead() && group.generators() > 1) others_.emplace(fabric_, offers, layout_);
  if (group.is_lead() && state_bytes > 0) state_.emplace(fabric_, *links_.front(), offers, state_bytes);
  if (group.is_lead() && fabric_.trace().on()) {
    traces_.emplace(fabric_);
    for (auto& link : links_) traces_->add(link->peer, link->endpoint, offers);
    if (others_) others_->add_to(*traces_, offers);
  }
  if (!group.is_lead()) {
    const Bell lead(fabric_.control(), GeneratorControl::kLeadBell);
    fabric_.loop().queue().watch(lead, Tag{group.lead().rank, kLead}.encode());
  }
}

void Generator::publish_start(std::span<const float> all) {
  memory_.write_start(protocol_.version(), std::as_bytes(all).subspan(shard_.bytes.begin, shard_.bytes.size()));
  fabric_.liveness().begin_steps();
  for (auto& link : links_) ring(*link, protocol_.version_word());
}

Generator::Step Generator::step(double lr) {
  begin_step(lr);
  return make_step();
}

void Generator::begin_step(double lr) {
  const std::uint64_t step = protocol_.step();
  fabric_.liveness().enter(Phase::reduce, step - adopted_);
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i] = memory_.slot(static_cast<int>(i), slot_of_step(step));
  reducer_->begin_step(lr, ++optimizer_steps_, memory_.parameters(step), memory_.parameters(step + 1), slots_);
}

/// The step that is begun.
Generator::Step Generator::make_step() {
  const std::uint64_t step = protocol_.step();
  wait_until(
      [this] {
        reduce_ready_buckets();
        publish_done();
        return protocol_.step_complete() && passes_->idle();
      },
      [this] { return awaited(); }, [this] { return !passes_->idle(); });
  finish_step(step);
  require_finite(step);
  const bool checkpoint = announce_checkpoint(step + 1);
  fabric_.liveness().enter(Phase::publish, step - adopted_);
  protocol_.end_step();
  publish(step);
  if (checkpoint) begin_checkpoint();
  if (!fabric_.group().is_lead()) return {};
  return records_.read_step(step, steady_ns());
}

/// The rank that the step waits for; where it is this process's own device, throws instead.
int Generator::awaited() const {
  if (const auto trainer = protocol_.first_awaited()) return links_[static_cast<std::size_t>(*trainer)]->peer.rank;
  throw RunError(ExitStatus::internal, fabric_.device()->name() + " did not reduce step " +
                                           std::to_string(protocol_.step()) +
                                           " within run.timeout_s rank=" + std::to_string(fabric_.group().self().rank) +
                                           "; raise run.timeout_s if that takes so long");
}

/// With clipping, what `reduce_ready_buckets` has left to do.
void Generator::finish_step(std::uint64_t step) {
  if (!reducer_->clips()) return;
  passes_->begin();
  reducer_->finish_step();
  passes_->end({.what = TraceWhat::reduce, .step = step}, step + 1, {0, shard_.bytes.size()}, protocol_.version_word());
  wait_until(
      [this] {
        publish_done();
        return passes_->idle();
      },
      [this] { return awaited(); }, [] { return true; });
}

/// Before the version is published: no trainer begins the next step with it.
void Generator::require_finite(std::uint64_t step) {
  const bool leads = fabric_.group().is_lead();
  if (leads) records_.check_losses(step, finite_);
  const auto index = reducer_->first_nonfinite();
  if (!index) return;
  if (!leads && finite_.stops()) let_lead_report();
  const std::size_t in_all = shard_.bytes.begin / sizeof(float) + *index;
  finite_.report_parameter(layout_.element_name(in_all), memory_.parameters(step + 1)[*index], step - adopted_);
}

/// A loss or gradient that is not finite usually spoils all shards in the same step: then the lead reports it, and this
/// process ends here without a line.
void Generator::let_lead_report() {
  constexpr std::chrono::milliseconds kLeadFirst{500};
  const Meanwhile progress = fabric_.loop().progress();
  for (const Deadline deadline = Deadline::after(kLeadFirst); !deadline.expired();) {
    progress();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Rings the version bell of a trainer. Waits while all places in the queue are taken: they get free as earlier rings
/// arrive.
void Generator::ring(TrainerLink& link, std::uint64_t word) {
  CompletionLoop& loop = fabric_.loop();
  const Deadline until = loop.deadline();
  for (;;) {
    const Status status = loop.queue().ring(link.version, word, Tag{link.peer.rank, kPeer}.encode());
    if (status.ok()) return;
    if (status.code() != StatusCode::queue_full) loop.throw_for(status, link.peer.rank);
    poll();
    loop.require_going_on();
    if (until.expired()) loop.throw_for(Status(StatusCode::deadline_exceeded, "ring"), link.peer.rank);
    std::this_thread::yield();
  }
}

/// All that step `step` has made.
void Generator::publish(std::uint64_t step) {
  const TraceSpan span(fabric_.trace(), {.what = TraceWhat::publish, .step = step});
  for (auto& link : links_) ring(*link, protocol_.version_word());
}

void Generator::on_completion(const Completion& completion, const Tag& tag) {
  if (completion.kind != CompletionKind::bell) return;
  if (tag.about == kLead) return on_lead_bell(completion.value);
  const auto trainer = static_cast<std::size_t>(tag.rank - fabric_.group().generators());
  if (tag.about == kGradient) on_gradient_bell(trainer, completion.value);
  if (tag.about == kEvaluation) evaluations_[trainer] = completion.value;
}

void Generator::on_gradient_bell(std::size_t trainer, std::uint64_t word) {
  const Peer& peer = links_[trainer]->peer;
  const GeneratorProtocol::Ring ring = protocol_.on_bell(static_cast<int>(trainer), word);
  if (ring == GeneratorProtocol::Ring::violation) {
    throw RunError(ExitStatus::protocol_mismatch,
                   peer.name + " broke the slot protocol at step " + std::to_string(protocol_.step()) + ": bell word " +
                       hex_of_word(word) + " rank=" + std::to_string(fabric_.group().self().rank) +
                       " peer=" + std::to_string(peer.rank) + "; is it the same build?");
  }
  if (ring != GeneratorProtocol::Ring::news) return;
  const BellWord bell = BellWord::decode(word);
  fabric_.trace().instant({.what = TraceWhat::bell,
                           .peer = static_cast<std::uint16_t>(peer.rank),
                           .bucket = shard_.index_of(shard_.buckets - bell.back),
                           .step = bell.number});
}

void Generator::reduce_ready_buckets() {
  Trace& trace = fabric_.trace();
  const std::uint64_t step = protocol_.step();
  while (const auto bucket = protocol_.next_bucket()) {
    if (idle_since_ns_ != 0) trace.end(std::exchange(idle_since_ns_, 0), {.what = TraceWhat::wait, .step = step});
    reduce(*bucket);
    publish_done();
  }
  if (!protocol_.step_complete() && idle_since_ns_ == 0) idle_since_ns_ = trace.begin();
}

void Generator::reduce(std::uint32_t bucket) {
  const ByteRange bytes = layout_.bucket_in(shard_, bucket);
  const std::uint64_t step = protocol_.step();
  if (checkpointer_ != nullptr) checkpointer_->before_change(bucket);
  passes_->begin();
  reducer_->reduce(bytes);
  protocol_.reduced();
  passes_->end({.what = TraceWhat::reduce, .bucket = shard_.index_of(bucket), .step = step}, step + 1,
               reducer_->clips() ? ByteRange{} : bytes, protocol_.version_word());
}

void Generator::publish_done() {
  while (const auto word = passes_->next_done()) publish_bucket(*word);
}

/// Rings `word`, of a bucket more, at those that do not wait for the whole version.
void Generator::publish_bucket(std::uint64_t word) {
  // With clipping, parameters change at the end of the step; and the last ring is that of the complete version.
  if (reducer_->clips() || BellWord::decode(word).has_all(shard_.buckets) || fetching_.empty()) return;
  const TraceSpan span(fabric_.trace(), {.what = TraceWhat::publish, .step = protocol_.step()});
  for (TrainerLink* link : fetching_) ring(*link, word);
}

}  // namespace runnel
