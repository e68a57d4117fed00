// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/generator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/steady_clock.h"

namespace runnel {
namespace {

/// What the tags in the completion queue mean, above the peer's rank.
enum class Tag : std::uint64_t { peer, hello, gradient, evaluation };

std::uint64_t tag_of(Tag tag, int rank) {
  return (static_cast<std::uint64_t>(tag) << 32) | static_cast<std::uint64_t>(rank);
}

Tag kind_of(std::uint64_t tag) {
  return static_cast<Tag>(tag >> 32);
}

/// Rings that may be under way: hello, the version's latest and one that waits for it, to each trainer and, of the
/// lead, to each other generator.
std::size_t operations_for(const PeerGroup& group) {
  return 4 * group.all().size();
}

}  // namespace

Generator::Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                     const Deadline& deadline, Device* device)
    : fabric_(group, config, GeneratorControl::bytes(group.trainers()), operations_for(group), deadline, device),
      layout_(layout),
      shard_(layout.shard(static_cast<std::size_t>(group.self().index))),
      memory_(fabric_, layout, shard_),
      facts_(static_cast<std::size_t>(group.trainers())),
      records_(fabric_.control(), group, layout, config, facts_),
      protocol_(group.trainers(), shard_.buckets),
      slots_(static_cast<std::size_t>(group.trainers())),
      evaluations_(static_cast<std::size_t>(group.trainers())) {
  if (device != nullptr) passes_.emplace(*device, shard_.buckets);
  reducer_ = make_reducer(config, shard_.bytes.size() / sizeof(float), device, passes_ ? &passes_->stream() : nullptr);
  ConnectionOffer mine = fabric_.offer();
  memory_.add_to(mine);
  memory_.prepare_probes();
  const auto offers = exchange_offers(bootstrap, mine, deadline, fabric_.silence());
  connect(offers);
  fabric_.liveness().start(offers);
  if (others_) others_->greet();
  facts_ = greet_trainers(bootstrap, fabric_, links_, config.transport.require, deadline);
  std::vector<PathReport> paths;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    paths.push_back(facts_[i].paths[static_cast<std::size_t>(group.self().index)]);
    if (paths.back().path != Path::mapped || links_[i]->peer.has_device()) fetching_.push_back(links_[i].get());
  }
  fabric_.park_for(paths);
}

void Generator::connect(const std::vector<ConnectionOffer>& offers) {
  const PeerGroup& group = fabric_.group();
  for (int index = 0; index < group.trainers(); ++index) {
    const int rank = group.trainer(index).rank;
    TrainerLink& link =
        *links_.emplace_back(std::make_unique<TrainerLink>(fabric_, offers[static_cast<std::size_t>(rank)], index));
    fabric_.queue().watch(link.endpoint, tag_of(Tag::peer, rank));
    fabric_.queue().watch(link.hello_heard, tag_of(Tag::hello, rank));
    fabric_.queue().watch(link.gradient_heard, tag_of(Tag::gradient, rank));
    fabric_.queue().watch(link.evaluation_heard, tag_of(Tag::evaluation, rank));
  }
  if (group.is_lead() && group.generators() > 1) others_.emplace(fabric_, offers, layout_);
  if (group.is_lead() && fabric_.trace().on()) {
    traces_.emplace(fabric_);
    for (auto& link : links_) traces_->add(link->peer, link->endpoint, offers);
    if (others_) others_->add_to(*traces_, offers);
  }
  if (!group.is_lead()) {
    fabric_.queue().watch(Bell(fabric_.control(), GeneratorControl::kLeadBell), tag_of(Tag::peer, group.lead().rank));
  }
}

void Generator::publish_start(std::span<const float> all) {
  memory_.write_start(std::as_bytes(all).subspan(shard_.bytes.begin, shard_.bytes.size()));
  for (auto& link : links_) ring(*link, protocol_.version_word());
}

Generator::Step Generator::step(double lr) {
  const std::uint64_t step = protocol_.step();
  fabric_.liveness().enter(Phase::reduce, step);
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i] = memory_.slot(static_cast<int>(i), slot_of_step(step));
  reducer_->begin_step(lr, static_cast<std::int64_t>(step) + 1, memory_.parameters(step), memory_.parameters(step + 1),
                       slots_);
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [this] {
                       reduce_ready_buckets();
                       publish_done();
                       return protocol_.step_complete() && !device_busy();
                     },
                     [this] { return awaited(); }, [this] { return device_busy(); });
  finish_step(step);
  fabric_.liveness().enter(Phase::publish, step);
  protocol_.end_step();
  publish(step);
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
  if (!passes_) {
    const TraceSpan update(fabric_.trace(), {.what = TraceWhat::reduce, .step = step});
    reducer_->finish_step();
    return;
  }
  passes_->begin();
  reducer_->finish_step();
  if (memory_.has_mirror()) memory_.mirror(passes_->stream(), step + 1, {0, shard_.bytes.size()});
  passes_->end(TraceLabel::kNoBucket, protocol_.version_word());
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [this] {
                       publish_done();
                       return !device_busy();
                     },
                     [this] { return awaited(); }, [] { return true; });
}

Generator::Evaluation Generator::collect_evaluation() {
  const TraceSpan wait(fabric_.trace(), {.what = TraceWhat::wait, .step = protocol_.version() - 1});
  fabric_.liveness().enter(Phase::evaluate, protocol_.version());
  ++evaluations_collected_;
  const auto missing = [this] {
    return std::find_if(evaluations_.begin(), evaluations_.end(),
                        [this](std::uint64_t heard) { return heard < evaluations_collected_; });
  };
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [&] { return missing() == evaluations_.end(); },
                     [&] { return links_[static_cast<std::size_t>(missing() - evaluations_.begin())]->peer.rank; });
  return records_.read_evaluation(protocol_.version());
}

std::span<const float> Generator::collect_parameters() {
  const auto own = memory_.read(protocol_.version());
  return others_ ? others_->collect(buffer_of_version(protocol_.version()), own) : own;
}

ProcessTrace Generator::own_trace() {
  const Peer& self = fabric_.group().self();
  return {.rank = self.rank,
          .name = self.name + " (" + self.host.name + ")",
          .clock_offset_ns = 0,
          .recorded = read_trace(fabric_.trace().close(), self.name)};
}

void Generator::leave() {
  if (!fabric_.group().is_lead()) {
    fabric_.trace().close(facts_.front().clock_offset_ns);
    await_lead();
  }
  if (others_) others_->end_run();
  for (auto& link : links_) {
    const Status status = fabric_.queue().ring(link->version, kEndOfRun.encode(), tag_of(Tag::peer, link->peer.rank));
    if (!status.ok()) fabric_.throw_for(status, link->peer.rank);
  }
  fabric_.wait_for_transfers([this] { return first_unreached(links_); });
  fabric_.liveness().leave();
  for (auto& link : links_) (void)link->endpoint.close(Deadline::after(std::chrono::seconds(1)));
}

void Generator::await_lead() {
  fabric_.liveness().enter(Phase::evaluate, protocol_.version());
  const Bell lead(fabric_.control(), GeneratorControl::kLeadBell);
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [&] { return lead.value() >= ShardCollector::kEnd; },
                     [this] { return fabric_.group().lead().rank; });
}

void Generator::ring(TrainerLink& link, std::uint64_t word) {
  const auto post = [&] { return fabric_.queue().ring(link.version, word, tag_of(Tag::peer, link.peer.rank)); };
  const Status status = fabric_.post_when_free(post, [this](const Completion& completion) { hear(completion); });
  if (!status.ok()) fabric_.throw_for(status, link.peer.rank);
}

/// All that step `step` has made.
void Generator::publish(std::uint64_t step) {
  const TraceSpan span(fabric_.trace(), {.what = TraceWhat::publish, .step = step});
  for (auto& link : links_) ring(*link, protocol_.version_word());
}

void Generator::hear(const Completion& completion) {
  const int rank = rank_of_tag(completion.tag);
  fabric_.check(completion, rank);
  if (completion.kind != CompletionKind::bell) return;
  const auto trainer = static_cast<std::size_t>(rank - fabric_.group().generators());
  switch (kind_of(completion.tag)) {
    case Tag::gradient:
      hear_gradient(trainer, completion.value);
      break;
    case Tag::evaluation:
      evaluations_[trainer] = completion.value;
      break;
    default:
      break;
  }
}

void Generator::hear_gradient(std::size_t trainer, std::uint64_t word) {
  const Peer& peer = links_[trainer]->peer;
  const GeneratorProtocol::Ring ring = protocol_.on_bell(static_cast<int>(trainer), word);
  if (ring == GeneratorProtocol::Ring::violation) {
    throw RunError(ExitStatus::protocol_mismatch, peer.name + " rang a bell that no trainer can ring at step " +
                                                      std::to_string(protocol_.step()) +
                                                      " rank=" + std::to_string(fabric_.group().self().rank) +
                                                      " peer=" + std::to_string(peer.rank) + "; is it the same build?");
  }
  if (ring != GeneratorProtocol::Ring::news) return;
  const BellWord bell = BellWord::decode(word);
  fabric_.trace().instant({.what = TraceWhat::bell,
                           .peer = static_cast<std::uint16_t>(peer.rank),
                           .bucket = index_of(shard_.buckets - bell.back),
                           .step = bell.number});
}

void Generator::reduce_ready_buckets() {
  Trace& trace = fabric_.trace();
  const std::uint64_t step = protocol_.step();
  while (const auto bucket = protocol_.next_bucket()) {
    if (idle_since_ns_ != 0) trace.end(std::exchange(idle_since_ns_, 0), {.what = TraceWhat::wait, .step = step});
    passes_ ? give_to_device(*bucket) : reduce(*bucket);
  }
  if (!protocol_.step_complete() && idle_since_ns_ == 0) idle_since_ns_ = trace.begin();
}

void Generator::reduce(std::uint32_t bucket) {
  {
    const TraceSpan span(fabric_.trace(),
                         {.what = TraceWhat::reduce, .bucket = index_of(bucket), .step = protocol_.step()});
    reducer_->reduce(layout_.bucket_in(shard_, bucket));
  }
  protocol_.reduced();
  publish_bucket(protocol_.version_word());
}

/// The same by the device, which goes on with it beside this thread; `publish_done` comes behind.
void Generator::give_to_device(std::uint32_t bucket) {
  const ByteRange bytes = layout_.bucket_in(shard_, bucket);
  passes_->begin();
  reducer_->reduce(bytes);
  if (memory_.has_mirror() && !reducer_->clips()) memory_.mirror(passes_->stream(), protocol_.step() + 1, bytes);
  protocol_.reduced();
  passes_->end(index_of(bucket), protocol_.version_word());
}

void Generator::publish_done() {
  while (const auto word = passes_ ? passes_->next_done(fabric_.trace(), protocol_.step()) : std::nullopt) {
    publish_bucket(*word);
  }
}

/// Rings `word`, of a bucket more, at those that do not wait for the whole version.
void Generator::publish_bucket(std::uint64_t word) {
  // With clipping, parameters change at the end of the step; and the last ring is that of the complete version.
  if (reducer_->clips() || BellWord::decode(word).has_all(shard_.buckets) || fetching_.empty()) return;
  const TraceSpan span(fabric_.trace(), {.what = TraceWhat::publish, .step = protocol_.step()});
  for (TrainerLink* link : fetching_) ring(*link, word);
}

/// Among all buckets, of one of this shard.
std::uint32_t Generator::index_of(std::uint32_t bucket) const {
  return static_cast<std::uint32_t>(shard_.first_bucket) + bucket;
}

}  // namespace runnel
