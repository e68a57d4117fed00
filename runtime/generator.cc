// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator.h"

#include <algorithm>
#include <cstring>

#include "runtime/gradient_channel.h"
#include "runtime/parameter_channel.h"

namespace runnel {
namespace {

/// What the tags in the completion queue mean, besides the trainer's index in the lower half.
enum class Tag : std::uint64_t { hello, gradient, evaluation, peer };

std::uint64_t tag_of(Tag tag, int trainer) {
  return (static_cast<std::uint64_t>(tag) << 32) | static_cast<std::uint64_t>(trainer);
}

Tag kind_of(std::uint64_t tag) {
  return static_cast<Tag>(tag >> 32);
}
int trainer_of(std::uint64_t tag) {
  return static_cast<int>(tag & 0xFFFFFFFF);
}

/// Two rings may be under way to a trainer: hello, and version.
std::size_t operations_for(const PeerGroup& group) {
  return 4 * static_cast<std::size_t>(group.trainers());
}

template <class Record>
Record read_record(const Slab& slab, std::size_t offset) {
  Record record;
  std::memcpy(&record, slab.bytes().data() + offset, sizeof record);
  return record;
}

/// The error to end with when a record that `trainer` put says `found`, where only `expected` can be right.
RunError wrong_record(const Peer& trainer, const PeerGroup& group, const std::string& found,
                      const std::string& expected) {
  return {ExitStatus::protocol_mismatch, trainer.name() + " put a record of " + found + ", expected " + expected +
                                             " rank=" + std::to_string(group.self().rank) + " peer=" +
                                             std::to_string(trainer.rank) + "; start the same build on every host"};
}

}  // namespace

Generator::Generator(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                     const Deadline& deadline)
    : fabric_(group, config, GeneratorControl::bytes(group.trainers()), operations_for(group)),
      layout_(layout),
      batch_size_(static_cast<std::uint64_t>(config.trainer.batch_size)),
      gradients_(Slab::allocate(fabric_.context(), GradientChannel::slab_bytes(layout, group.trainers()))),
      parameters_(Slab::allocate(fabric_.context(), ParameterChannel::slab_bytes(layout))),
      protocol_(group.trainers(), static_cast<std::uint32_t>(layout.bucket_count())),
      reducer_(layout.float_count(), config.optimizer, static_cast<std::size_t>(config.generator.threads)),
      slots_(static_cast<std::size_t>(group.trainers())),
      evaluations_(static_cast<std::size_t>(group.trainers())) {
  ConnectionOffer mine = fabric_.offer();
  mine.tensors = {.gradients = gradients_.descriptor(), .parameters = parameters_.descriptor()};
  const auto offers = exchange_offers(bootstrap, mine, deadline);
  for (int index = 0; index < group.trainers(); ++index) {
    const auto rank = static_cast<std::size_t>(group.trainer(index).rank);
    TrainerLink& link = *links_.emplace_back(std::make_unique<TrainerLink>(fabric_, offers[rank], index));
    fabric_.queue().watch(link.endpoint, tag_of(Tag::peer, index));
    fabric_.queue().watch(link.hello_heard, tag_of(Tag::hello, index));
    fabric_.queue().watch(link.gradient_heard, tag_of(Tag::gradient, index));
    fabric_.queue().watch(link.evaluation_heard, tag_of(Tag::evaluation, index));
  }
  fabric_.liveness().start(offers);
  facts_ = greet_trainers(bootstrap, fabric_, links_, config.transport.require, deadline);
  std::vector<PathReport> paths;
  for (const TrainerFacts& facts : facts_) paths.push_back(facts.path);
  fabric_.park_for(paths);
}

std::span<float> Generator::parameters() {
  const int buffer = buffer_of_version(protocol_.version());
  const auto bytes = parameters_.bytes().subspan(ParameterChannel::buffer_offset(layout_, buffer));
  return {reinterpret_cast<float*>(bytes.data()), layout_.float_count()};
}

void Generator::publish_start() {
  ring_trainers(protocol_.version_word());
}

Generator::Step Generator::step(double lr) {
  const std::uint64_t step = protocol_.step();
  fabric_.liveness().enter(Phase::reduce, step);
  const float* in = parameters().data();
  const auto out =
      parameters_.bytes().subspan(ParameterChannel::buffer_offset(layout_, buffer_of_version(protocol_.version() + 1)));
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::size_t offset = GradientChannel::slot_offset(layout_, static_cast<int>(i), slot_of_step(step));
    slots_[i] = reinterpret_cast<const float*>(gradients_.bytes().data() + offset);
  }
  reducer_.begin_step(lr, static_cast<std::int64_t>(step) + 1, in, reinterpret_cast<float*>(out.data()));
  const auto awaited = [this] { return fabric_.group().trainer(protocol_.first_awaited().value_or(0)).rank; };
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [this] {
                       reduce_ready_buckets();
                       return protocol_.step_complete();
                     },
                     awaited);
  reducer_.finish_step();
  fabric_.liveness().enter(Phase::publish, step);
  const Step told = read_step_records(step);
  ring_trainers(protocol_.publish());
  return told;
}

Generator::Evaluation Generator::collect_evaluation() {
  fabric_.liveness().enter(Phase::evaluate, protocol_.version());
  ++evaluations_collected_;
  const auto missing = [this] {
    return std::find_if(evaluations_.begin(), evaluations_.end(),
                        [this](std::uint64_t heard) { return heard < evaluations_collected_; });
  };
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [&] { return missing() == evaluations_.end(); },
                     [&] { return fabric_.group().trainer(static_cast<int>(missing() - evaluations_.begin())).rank; });
  Evaluation sum;
  for (int index = 0; index < fabric_.group().trainers(); ++index) {
    const auto record = read_record<EvaluationRecord>(fabric_.control(), GeneratorControl::evaluation_record(index));
    check(record, fabric_.group().trainer(index));
    sum.loss_sum += record.loss_sum;
    sum.correct += record.correct;
    sum.samples += record.samples;
    note_parameters_ready(index, record.parameters_ready_ns, record.exposed_ns);
  }
  close_timing();
  return sum;
}

void Generator::reserve(std::size_t steps) {
  timings_.exchange_ms.reserve(steps);
  timings_.exposed_ms.reserve(steps * slots_.size());
}

void Generator::leave() {
  ring_trainers(kEndOfRun.encode());
  fabric_.wait_for_transfers([this] { return first_unreached(links_, fabric_.group()); });
  fabric_.liveness().leave();
  for (auto& link : links_) (void)link->endpoint.close(Deadline::after(std::chrono::seconds(1)));
}

void Generator::ring_trainers(std::uint64_t word) {
  for (int index = 0; index < fabric_.group().trainers(); ++index) {
    const Status status =
        fabric_.queue().ring(links_[static_cast<std::size_t>(index)]->version, word, tag_of(Tag::peer, index));
    if (!status.ok()) fabric_.throw_for(status, fabric_.group().trainer(index).rank);
  }
}

void Generator::hear(const Completion& completion) {
  const int trainer = trainer_of(completion.tag);
  const int rank = fabric_.group().trainer(trainer).rank;
  fabric_.check(completion, rank);
  if (completion.kind != CompletionKind::bell) return;
  switch (kind_of(completion.tag)) {
    case Tag::gradient:
      if (protocol_.on_bell(trainer, completion.value) == GeneratorProtocol::Ring::violation) {
        throw RunError(ExitStatus::protocol_mismatch,
                       "trainer " + std::to_string(trainer) + " rang a bell that no trainer can ring at step " +
                           std::to_string(protocol_.step()) + " rank=" + std::to_string(fabric_.group().self().rank) +
                           " peer=" + std::to_string(rank) + "; is it the same build?");
      }
      break;
    case Tag::evaluation:
      evaluations_[static_cast<std::size_t>(trainer)] = completion.value;
      break;
    default:
      break;
  }
}

void Generator::reduce_ready_buckets() {
  while (const auto bucket = protocol_.next_bucket()) {
    reducer_.reduce(layout_.bucket(*bucket), slots_);
    protocol_.reduced();
  }
}

Generator::Step Generator::read_step_records(std::uint64_t step) {
  Step told;
  int with_batch = 0;
  std::int64_t last_gradient_ns = 0;
  for (int index = 0; index < fabric_.group().trainers(); ++index) {
    const auto record =
        read_record<StepRecord>(fabric_.control(), GeneratorControl::step_record(index, slot_of_step(step)));
    check(record, step, fabric_.group().trainer(index));
    told.samples += record.samples;
    told.loss += record.loss;
    with_batch += record.samples > 0 ? 1 : 0;
    timings_.staged_bytes += record.staged_bytes;
    note_parameters_ready(index, record.parameters_ready_ns, record.exposed_ns);
    const std::int64_t offset = facts_[static_cast<std::size_t>(index)].clock_offset_ns;
    last_gradient_ns = std::max(last_gradient_ns, record.gradient_ready_ns - offset);
  }
  if (with_batch > 0) told.loss /= with_batch;
  close_timing();
  last_gradient_ns_ = last_gradient_ns;
  return told;
}

void Generator::check(const StepRecord& record, std::uint64_t step, const Peer& trainer) const {
  if (record.step == step && record.samples <= batch_size_ && record.staged_bytes <= layout_.bytes()) return;
  throw wrong_record(trainer, fabric_.group(),
                     "step " + std::to_string(record.step) + ", " + std::to_string(record.samples) + " samples, " +
                         std::to_string(record.staged_bytes) + " staged bytes",
                     "step " + std::to_string(step) + ", at most " + std::to_string(batch_size_) +
                         " samples, at most " + std::to_string(layout_.bytes()) + " staged bytes");
}

void Generator::check(const EvaluationRecord& record, const Peer& trainer) const {
  if (record.version == protocol_.version() && record.correct <= record.samples) return;
  throw wrong_record(trainer, fabric_.group(),
                     "version " + std::to_string(record.version) + ", " + std::to_string(record.correct) + " of " +
                         std::to_string(record.samples) + " samples correct",
                     "version " + std::to_string(protocol_.version()) + ", no more correct than samples");
}

void Generator::note_parameters_ready(int trainer, std::int64_t ready_ns, std::int64_t exposed_ns) {
  if (last_gradient_ns_ == 0) return;  // the first step, or told before with a test's results
  const std::int64_t offset = facts_[static_cast<std::size_t>(trainer)].clock_offset_ns;
  last_parameters_ns_ = std::max(last_parameters_ns_, ready_ns - offset);
  timings_.exposed_ms.push_back(static_cast<double>(exposed_ns) * 1e-6);
}

void Generator::close_timing() {
  if (last_gradient_ns_ == 0) return;
  timings_.exchange_ms.push_back(static_cast<double>(last_parameters_ns_ - last_gradient_ns_) * 1e-6);
  last_gradient_ns_ = 0;
  last_parameters_ns_ = 0;
}

}  // namespace runnel
