// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/trainer_client.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/steady_clock.h"

namespace runnel {
namespace {

/// Under way to each generator are two puts, and a get a bucket; besides a record or two and the rings of the
/// handshake. What is complete keeps its place until it is polled.
std::size_t operations_for(const BucketLayout& layout) {
  return 2 * layout.bucket_count() + 8 * layout.shard_count() + 8;
}

// Tags of completions: the generator in the upper half; in the lower one what it is about. Gets have kFirstFetch +
// their bucket.
constexpr std::uint32_t kOther = 0;
constexpr std::uint32_t kPut = 1;
constexpr std::uint32_t kFirstFetch = 2;

std::uint64_t tag_of(std::size_t generator, std::uint32_t about) {
  return (std::uint64_t{generator} << 32) | about;
}
std::size_t generator_of(std::uint64_t tag) {
  return tag >> 32;
}
std::uint32_t about(std::uint64_t tag) {
  return static_cast<std::uint32_t>(tag);
}

}  // namespace

TrainerClient::TrainerClient(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout,
                             const Config& config, const Deadline& deadline, Device* device)
    : fabric_(group, config, TrainerControl::bytes(group.generators()), operations_for(layout), deadline, device),
      layout_(layout),
      windows_{.gradients = TensorWindow(layout, fabric_.context(), device),
               .parameters = TensorWindow(layout, fabric_.context(), device)},
      countdown_(layout) {
  if (device != nullptr) {
    streams_ = {.gradients = device->make_stream(DeviceStage::marks_for(layout)),
                .parameters = device->make_stream(ParameterChannel::marks_for(layout))};
  }
  const auto offers = exchange_offers(bootstrap, fabric_.offer(), deadline, fabric_.silence());
  connect(offers);
  fabric_.liveness().start(offers);
  std::vector<GreetedGenerator> greeted;
  for (auto& counterpart : counterparts_) greeted.push_back(counterpart->to_greet(fabric_, windows_));
  paths_ = greet_generators(bootstrap, fabric_, greeted, config.transport.require, deadline);
  fabric_.park_for(paths_);
}

void TrainerClient::connect(const std::vector<ConnectionOffer>& offers) {
  for (int generator = 0; generator < fabric_.group().generators(); ++generator) {
    const auto rank = static_cast<std::size_t>(fabric_.group().generator(generator).rank);
    GeneratorPeer& counterpart = *counterparts_.emplace_back(
        std::make_unique<GeneratorPeer>(fabric_, offers[rank], generator, layout_, windows_, streams_));
    const std::uint64_t tag = tag_of(static_cast<std::size_t>(generator), kOther);
    fabric_.queue().watch(counterpart.link.endpoint, tag);
    fabric_.queue().watch(counterpart.link.hello_heard, tag);
    fabric_.queue().watch(counterpart.link.version_heard, tag);
  }
  const auto all_are = [&](auto&& is_mapped) { return std::ranges::all_of(counterparts_, is_mapped); };
  if (!all_are([](const auto& one) { return one->gradients.is_mapped(); }))
    windows_.gradients.register_memory(fabric_.context());
  if (!all_are([](const auto& one) { return one->parameters.is_mapped(); })) {
    windows_.parameters.register_memory(fabric_.context());
  }
}

void TrainerClient::pull() {
  await_buckets(layout_.bucket_count());
}

void TrainerClient::await_parameters(std::size_t tensor) {
  const std::size_t end = layout_.tensors()[tensor].bytes.end;
  std::size_t buckets = usable_;
  while (buckets < layout_.bucket_count() && layout_.bucket(buckets).begin < end) ++buckets;
  await_buckets(buckets);
}

void TrainerClient::await_buckets(std::size_t buckets) {
  if (usable_ >= buckets) return;
  const std::int64_t begin = usable_ == 0 && pushed_ns_ != 0 ? pushed_ns_ : steady_ns();
  const bool had_to_wait = usable_ == 0 || !usable(buckets);
  const std::int64_t wait_begin_ns = trace().begin();
  fabric_.liveness().enter(Phase::pull, step_);
  fabric_.wait_until([this](const Completion& completion) { hear(completion); }, [&] { return usable(buckets); },
                     [this] {
                       const auto bucket = [this](const auto& one) {
                         return usable_ < one->shard.first_bucket + one->shard.buckets;
                       };
                       return (*std::ranges::find_if(counterparts_, bucket))->link.peer.rank;
                     });
  fabric_.liveness().enter(Phase::push, step_);
  const bool all = buckets == layout_.bucket_count();
  trace().end(wait_begin_ns, {.what = TraceWhat::wait,
                              .bucket = all ? TraceLabel::kNoBucket : static_cast<std::uint32_t>(buckets - 1),
                              .step = step_});
  const std::int64_t now = steady_ns();
  if (pushed_ns_ != 0) exposed_ns_ += now - begin;
  if (usable_ < layout_.bucket_count()) return;
  usable_ns_ = now;
  if (had_to_wait) parameters_ready_ns_ = now;
}

void TrainerClient::hear(const Completion& completion) {
  GeneratorPeer& counterpart = *counterparts_[generator_of(completion.tag)];
  fabric_.check(completion, counterpart.link.peer.rank);
  if (completion.kind == CompletionKind::data_arrived) {
    counterpart.parameters.arrived(about(completion.tag) - kFirstFetch);
  } else if (about(completion.tag) == kPut) {
    require_ok(counterpart.gradients.sent(completion.tag), counterpart);
  }
}

/// Takes in what the generators have published, starts to get it where it does not lie in mapped memory, and says
/// whether the first `buckets` buckets can be read.
bool TrainerClient::usable(std::size_t buckets) {
  for (std::size_t generator = 0; generator < counterparts_.size(); ++generator) {
    GeneratorPeer& counterpart = *counterparts_[generator];
    counterpart.protocol.on_bell(counterpart.link.version_heard.value());
    require_ok(counterpart.parameters.fetch(counterpart.protocol, tag_of(generator, kFirstFetch)), counterpart);
    while (usable_ >= counterpart.shard.first_bucket &&
           usable_ < counterpart.shard.first_bucket + counterpart.shard.buckets &&
           counterpart.parameters.usable(counterpart.protocol,
                                         static_cast<std::uint32_t>(usable_ - counterpart.shard.first_bucket))) {
      ++usable_;
    }
  }
  return usable_ >= buckets;
}

void TrainerClient::gradient_ready(std::size_t tensor) {
  countdown_.tensor_ready(tensor);
  note_complete(/*everything=*/false);
  if (fabric_.device() != nullptr) return stage(/*everything=*/false);  // UCX belongs to another thread
  pull();  // a tensor that no pass has read may be missing yet
  // What was handed over before moves on only while somebody polls.
  fabric_.poll([this](const Completion& completion) { hear(completion); });
  hand_over(/*everything=*/false);
}

void TrainerClient::push(const Batch& batch) {
  pull();
  note_complete(/*everything=*/true);
  pushed_ns_ = steady_ns();
  if (fabric_.device() != nullptr) await_device();
  put_record(batch);
  hand_over(/*everything=*/true);
  for (auto& counterpart : counterparts_) {
    counterpart->protocol.end_step();
    counterpart->noted = 0;
  }
  countdown_.restart();
  ++step_;
  usable_ = 0;
  parameters_ready_ns_ = 0;
  exposed_ns_ = 0;
}

void TrainerClient::note_complete(bool everything) {
  if (!trace().on()) return;
  for (std::size_t generator = 0; generator < counterparts_.size(); ++generator) {
    GeneratorPeer& counterpart = *counterparts_[generator];
    const std::uint32_t buckets = counterpart.shard.buckets;
    const std::uint32_t complete = everything ? buckets : countdown_.complete_from_back(generator);
    while (counterpart.noted < complete) {
      const std::size_t bucket = counterpart.shard.first_bucket + buckets - ++counterpart.noted;
      trace().instant({.what = TraceWhat::bucket_ready, .bucket = static_cast<std::uint32_t>(bucket), .step = step_});
    }
  }
}

/// Gives to the device what it does of handing over: of everything, or of the buckets that are complete.
void TrainerClient::stage(bool everything) {
  for (std::size_t generator = 0; generator < counterparts_.size(); ++generator) {
    GeneratorPeer& counterpart = *counterparts_[generator];
    const std::uint32_t count = everything ? counterpart.shard.buckets : countdown_.complete_from_back(generator);
    counterpart.gradients.stage()->begin(step_, count);
  }
}

/// Waits until the device is through with the step, and hands over meanwhile.
void TrainerClient::await_device() {
  stage(/*everything=*/true);
  await_device_until([this] { return hand_over_staged(); });
  pushed_ns_ = 0;
  for (auto& counterpart : counterparts_) {
    pushed_ns_ = std::max(pushed_ns_, counterpart->gradients.stage()->computed_ns());
    counterpart->gradients.stage()->record_into(trace(), static_cast<std::uint16_t>(counterpart->link.peer.rank));
    if (counterpart->parameters.copies()) counterpart->parameters.record_copies();
  }
  note_copies();
}

/// Parameters that the device copies are usable when it has, not when it was told to.
void TrainerClient::note_copies() {
  for (auto& counterpart : counterparts_) {
    const ParameterChannel& parameters = counterpart->parameters;
    if (!parameters.copies()) continue;
    await_device_until([&] { return parameters.copied(); });
    const std::int64_t later_ns = parameters.copied_ns() - usable_ns_;
    if (later_ns <= 0) continue;
    usable_ns_ += later_ns;
    parameters_ready_ns_ = usable_ns_;
    if (step_ > 0) exposed_ns_ += later_ns;
  }
}

template <class Done>
void TrainerClient::await_device_until(Done&& done) {
  const auto late = [this]() -> int {
    throw RunError(ExitStatus::internal,
                   fabric_.device()->name() + " did not do its part of step " + std::to_string(step_) +
                       " within run.timeout_s rank=" + std::to_string(fabric_.group().self().rank) +
                       "; raise run.timeout_s if a step takes that long");
  };
  fabric_.wait_until([this](const Completion& completion) { hear(completion); }, done, late, [] { return true; });
}

/// Hands over the buckets that the device is through with, but for each generator's last one; says whether it is
/// through with all.
bool TrainerClient::hand_over_staged() {
  bool idle = true;
  for (std::size_t generator = 0; generator < counterparts_.size(); ++generator) {
    GeneratorPeer& counterpart = *counterparts_[generator];
    const std::uint32_t count = std::min(counterpart.gradients.stage()->done(), counterpart.shard.buckets - 1);
    require_ok(counterpart.gradients.hand_over(step_, count, tag_of(generator, kPut)), counterpart);
    idle &= counterpart.gradients.stage()->idle();
  }
  return idle;
}

void TrainerClient::hand_over(bool everything) {
  for (std::size_t generator = 0; generator < counterparts_.size(); ++generator) {
    GeneratorPeer& counterpart = *counterparts_[generator];
    const std::uint32_t buckets = counterpart.shard.buckets;
    const std::uint32_t count = everything ? buckets : std::min(countdown_.complete_from_back(generator), buckets - 1);
    require_ok(counterpart.gradients.hand_over(step_, count, tag_of(generator, kPut)), counterpart);
  }
}

void TrainerClient::require_ok(const Status& status, const GeneratorPeer& counterpart) const {
  if (!status.ok()) fabric_.throw_for(status, counterpart.link.peer.rank);
}

void TrainerClient::put_record(const Batch& batch) {
  const StepRecord record{.step = step_,
                          .samples = batch.samples,
                          .loss = batch.loss,
                          .gradient_ready_ns = pushed_ns_,
                          .parameters_ready_ns = parameters_ready_ns_,
                          .exposed_ns = exposed_ns_,
                          .staged_bytes = batch.staged_bytes,
                          .batches = batch.batches};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::step_record(slot()), sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const std::size_t target = GeneratorControl::step_record(fabric_.group().self().index, slot());
  require_ok(fabric_.queue().put(lead().link.control, target, copy, fabric_.control(), tag_of(0, kOther)), lead());
}

void TrainerClient::report_evaluation(double loss_sum, std::uint64_t correct, std::uint64_t samples) {
  if (stopping()) fabric_.liveness().throw_stop();  // the test was cut short
  note_copies();
  const EvaluationRecord record{.version = step_,
                                .samples = samples,
                                .correct = correct,
                                .loss_sum = loss_sum,
                                .parameters_ready_ns = parameters_ready_ns_,
                                .exposed_ns = exposed_ns_,
                                .reserved = {}};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::kEvaluationRecord, sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const Status status = fabric_.queue().put_and_ring(
      lead().link.control, GeneratorControl::evaluation_record(fabric_.group().self().index), copy, fabric_.control(),
      lead().link.evaluation, ++evaluations_, tag_of(0, kOther));
  require_ok(status, lead());
}

void TrainerClient::leave() {
  fabric_.wait_until([this](const Completion& completion) { hear(completion); },
                     [this] { return fabric_.queue().in_flight() == 0; }, [this] { return lead().link.peer.rank; });
  trace().close();
  const auto goes_on = [](const auto& one) { return one->link.version_heard.value() < kEndOfRun.encode(); };
  fabric_.wait_until([](const Completion&) {}, [&] { return std::ranges::none_of(counterparts_, goes_on); },
                     [&] { return (*std::ranges::find_if(counterparts_, goes_on))->link.peer.rank; });
  // Endpoints are not closed in agreement with the generators: these have everything, and may progress no more.
  fabric_.liveness().leave();
}

}  // namespace runnel
