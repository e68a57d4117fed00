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

// What completions are about (`Tag::about`). Gets have kFirstFetch + their bucket.
constexpr std::uint32_t kOther = 0;
constexpr std::uint32_t kPut = 1;
constexpr std::uint32_t kFirstFetch = 2;

}  // namespace

TrainerClient::TrainerClient(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout,
                             const Config& config, const Deadline& deadline, Device* device, std::size_t state_bytes,
                             const ProcessPolicy& process)
    : state_bytes_(group.self().index == 0 ? state_bytes : 0),
      fabric_(group, config, TrainerControl::bytes(group.generators(), state_bytes_), operations_for(layout), deadline,
              device, /*tensor_bytes=*/0, process),
      layout_(layout),
      windows_{.gradients = TensorWindow(layout, fabric_.context(), device),
               .parameters = TensorWindow(layout, fabric_.context(), device)},
      countdown_(layout) {
  if (device != nullptr) {
    streams_ = {.gradients = device->make_stream(DeviceStage::marks_for(layout)),
                .parameters = device->make_stream(ParameterChannel::marks_for(layout))};
  }
  const auto offers = exchange_offers(bootstrap, fabric_.offer(), deadline, fabric_.loop().silence());
  connect(offers);
  fabric_.liveness().start(offers);
  std::vector<ProbedGenerator> probed;
  for (auto& peer : generators_) probed.push_back(peer->to_probe(fabric_, windows_));
  paths_ = handshake_with_generators(bootstrap, fabric_, probed, config.transport.require, deadline);
  fabric_.loop().park_on(park_on_for(paths_));
}

void TrainerClient::connect(const std::vector<ConnectionOffer>& offers) {
  for (int generator = 0; generator < fabric_.group().generators(); ++generator) {
    const auto rank = static_cast<std::size_t>(fabric_.group().generator(generator).rank);
    GeneratorPeer& peer = *generators_.emplace_back(
        std::make_unique<GeneratorPeer>(fabric_, offers[rank], generator, layout_, windows_, streams_));
    CompletionQueue& queue = fabric_.loop().queue();
    const std::uint64_t tag = Tag{peer.link.peer.rank, kOther}.encode();
    queue.watch(peer.link.endpoint, tag);
    queue.watch(peer.link.hello_received, tag);
    queue.watch(peer.link.version_received, tag);
  }
  const auto all_are = [&](auto&& is_mapped) { return std::ranges::all_of(generators_, is_mapped); };
  if (!all_are([](const auto& one) { return one->gradients.is_mapped(); }))
    windows_.gradients.register_memory(fabric_.context());
  if (!all_are([](const auto& one) { return one->parameters.is_mapped(); })) {
    windows_.parameters.register_memory(fabric_.context());
  }
}

void TrainerClient::pull() {
  await_buckets(layout_.bucket_count());
}

void TrainerClient::before_use(std::size_t tensor) {
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
  fabric_.liveness().enter(Phase::pull, step_ - first_step_);
  wait_until([&] { return usable(buckets); }, [this] { return awaited(); });
  fabric_.liveness().enter(Phase::push, step_ - first_step_);
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

/// The rank of the generator whose bucket is the first that cannot be read.
int TrainerClient::awaited() const {
  const auto has_it = [this](const auto& one) { return usable_ < one->shard.first_bucket + one->shard.buckets; };
  return (*std::ranges::find_if(generators_, has_it))->link.peer.rank;
}

void TrainerClient::on_completion(const Completion& completion, const Tag& tag) {
  GeneratorPeer& peer = *generators_[static_cast<std::size_t>(tag.rank)];
  if (completion.kind == CompletionKind::data_arrived) {
    peer.parameters.arrived(tag.about - kFirstFetch);
  } else if (tag.about == kPut) {
    require_ok(peer.gradients.sent(completion.tag), peer);
  }
}

/// Takes in what the generators have published, starts to get it where it does not lie in mapped memory, and says
/// whether the first `buckets` buckets can be read.
bool TrainerClient::usable(std::size_t buckets) {
  for (std::size_t generator = 0; generator < generators_.size(); ++generator) {
    GeneratorPeer& peer = *generators_[generator];
    peer.protocol.on_bell(peer.link.version_received.value());
    require_ok(peer.parameters.fetch(peer.protocol, kFirstFetch), peer);
    while (usable_ >= peer.shard.first_bucket && usable_ < peer.shard.first_bucket + peer.shard.buckets &&
           peer.parameters.usable(peer.protocol, static_cast<std::uint32_t>(usable_ - peer.shard.first_bucket))) {
      ++usable_;
    }
  }
  return usable_ >= buckets;
}

void TrainerClient::gradient_ready(std::size_t tensor) {
  countdown_.tensor_ready(tensor);
  note_computed();
  begin_hand_over();
  // A device's gradients may be reported by LibTorch's thread; UCX belongs to the main thread, which is in `push`
  // later.
  if (!fabric_.worker().is_owned_by_this_thread()) return;
  pull();  // a tensor that no pass has read may be missing yet
  // What was handed over before moves on only while somebody polls.
  poll();
  hand_over_early();
}

void TrainerClient::push(const Batch& batch) {
  pull();
  countdown_.all_ready();
  note_computed();
  begin_hand_over();
  if (!gradients_complete()) await_device([this] { return hand_over_early(); });
  note_device_times();
  put_records(batch);
  for (auto& peer : generators_) {
    require_ok(peer->gradients.hand_over_all(step_, put_tag(*peer)), *peer);
    peer->protocol.end_step();
    peer->noted = 0;
  }
  countdown_.restart();
  ++step_;
  usable_ = 0;
  parameters_ready_ns_ = 0;
  exposed_ns_ = 0;
}

/// Records the buckets that are computed since the last call.
void TrainerClient::note_computed() {
  if (!trace().on()) return;
  for (std::size_t generator = 0; generator < generators_.size(); ++generator) {
    GeneratorPeer& peer = *generators_[generator];
    const std::size_t end = peer.shard.first_bucket + peer.shard.buckets;
    while (peer.noted < countdown_.complete_from_back(generator)) {
      const std::size_t bucket = end - ++peer.noted;
      trace().instant({.what = TraceWhat::bucket_ready, .bucket = static_cast<std::uint32_t>(bucket), .step = step_});
    }
  }
}

/// Starts the hand-over of the buckets that are computed.
void TrainerClient::begin_hand_over() {
  for (std::size_t generator = 0; generator < generators_.size(); ++generator) {
    generators_[generator]->gradients.stage().begin(step_, countdown_.complete_from_back(generator));
  }
}

/// Hands over what is complete, but for each generator's last bucket; says whether all that was begun is complete.
bool TrainerClient::hand_over_early() {
  for (auto& peer : generators_) require_ok(peer->gradients.hand_over_early(step_, put_tag(*peer)), *peer);
  return gradients_complete();
}

bool TrainerClient::gradients_complete() const {
  return std::ranges::all_of(generators_, [](const auto& peer) { return peer->gradients.stage().idle(); });
}

/// When the gradients were computed, and what the device did in this step.
void TrainerClient::note_device_times() {
  pushed_ns_ = 0;
  for (auto& peer : generators_) {
    GradientStage& stage = peer->gradients.stage();
    pushed_ns_ = std::max(pushed_ns_, stage.computed_ns());
    stage.record_into(trace(), static_cast<std::uint16_t>(peer->link.peer.rank));
    peer->parameters.record_copies();
  }
  note_copies();
}

/// Parameters that the device copies are usable when it has copied them, not when the copy was started.
void TrainerClient::note_copies() {
  for (auto& peer : generators_) {
    const ParameterChannel& parameters = peer->parameters;
    await_device([&] { return parameters.copied(); });
    const std::int64_t later_ns = parameters.copied_ns() - usable_ns_;
    if (later_ns <= 0) continue;
    usable_ns_ += later_ns;
    parameters_ready_ns_ = usable_ns_;
    if (step_ > 0) exposed_ns_ += later_ns;
  }
}

/// Waits until this process's device has `done()` its part of the step; without a device it has.
template <class Done>
void TrainerClient::await_device(Done&& done) {
  if (done()) return;
  const auto late = [this]() -> int {
    throw RunError(ExitStatus::internal,
                   fabric_.device()->name() + " did not do its part of step " + std::to_string(step_) +
                       " within run.timeout_s rank=" + std::to_string(fabric_.group().self().rank) +
                       "; raise run.timeout_s if a step takes that long");
  };
  wait_until(done, late, [] { return true; });
}

std::uint64_t TrainerClient::put_tag(const GeneratorPeer& peer) {
  return Tag{peer.link.peer.rank, kPut}.encode();
}

/// Before the last bell of the step, so that who has that has the record; on the host before all bells that `push`
/// rings.
void TrainerClient::put_records(const Batch& batch) {
  const StepRecord record{.step = step_,
                          .samples = batch.samples,
                          .loss = batch.loss,
                          .gradient_ready_ns = pushed_ns_,
                          .parameters_ready_ns = parameters_ready_ns_,
                          .exposed_ns = exposed_ns_,
                          .staged_bytes = batch.staged_bytes,
                          .batches = batch.batches,
                          .nonfinite_share = batch.nonfinite ? *batch.nonfinite + 1 : 0,
                          .data_ns = batch.data_ns,
                          .lr = batch.lr,
                          .leaving = batch.leaving ? 1U : 0U,
                          .reserved = {}};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::step_record(slot()), sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const std::size_t target = GeneratorControl::step_record(fabric_.group().self().index, slot());
  // Where trainers decide about steps, each generator has to know; else only the lead reads records.
  for (auto& peer : std::span(generators_).first(trainers_decide() ? generators_.size() : 1)) {
    const std::uint64_t tag = Tag{peer->link.peer.rank, kOther}.encode();
    require_ok(fabric_.loop().queue().put(peer->link.control, target, copy, fabric_.control(), tag), *peer);
  }
}

void TrainerClient::report_evaluation(const Score& score) {
  if (stopping()) fabric_.liveness().throw_stop();  // the test was cut short
  note_copies();
  const EvaluationRecord record{.version = step_,
                                .parameters_ready_ns = parameters_ready_ns_,
                                .exposed_ns = exposed_ns_,
                                .score = score,
                                .reserved = {}};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::kEvaluationRecord, sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const Status status = fabric_.loop().queue().put_and_ring(
      lead().link.control, GeneratorControl::evaluation_record(fabric_.group().self().index), copy, fabric_.control(),
      lead().link.evaluation, ++evaluations_, Tag{lead().link.peer.rank, kOther}.encode());
  require_ok(status, lead());
}

}  // namespace runnel
