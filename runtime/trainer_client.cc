// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/trainer_client.h"

#include <cstring>

#include "runtime/frame.h"
#include "runtime/handshake.h"

namespace runnel {
namespace {

/// A trainer has at most one step under way: a put a bucket, its record, and rings.
std::size_t operations_for(const BucketLayout& layout) {
  return layout.bucket_count() + 8;
}

}  // namespace

TrainerClient::TrainerClient(Bootstrap& bootstrap, const PeerGroup& group, const BucketLayout& layout,
                             const Config& config, const Deadline& deadline)
    : fabric_(group, config, TrainerControl::kBytes, operations_for(layout)),
      protocol_(static_cast<std::uint32_t>(layout.bucket_count())) {
  const auto offers = exchange_offers(bootstrap, fabric_.offer(), deadline);
  const ConnectionOffer& generator = offers[static_cast<std::size_t>(generator_rank())];
  if (!generator.tensors) {
    throw FrameError("rank " + std::to_string(generator_rank()) + ", the generator, offers no tensors");
  }
  link_.emplace(fabric_, generator, group.self().index);
  gradients_.emplace(fabric_, *link_, generator.tensors->gradients, layout);
  parameters_.emplace(fabric_, *link_, generator.tensors->parameters, layout);
  fabric_.queue().watch(link_->endpoint, 0);
  fabric_.queue().watch(link_->hello_heard, 0);
  fabric_.queue().watch(link_->version_heard, 0);
  fabric_.liveness().start(offers);
  path_ = greet_generator(bootstrap, fabric_, *link_, config.transport.require, deadline);
  fabric_.park_for(std::span(&path_, 1));
}

void TrainerClient::pull() {
  fabric_.liveness().enter(Phase::pull, protocol_.step());
  wait_for_version();
  if (parameters_->fetches()) fetch_version();
  parameters_ready_ns_ = steady_ns();
  exposed_ns_ = pushed_ns_ == 0 ? 0 : parameters_ready_ns_ - pushed_ns_;
  fabric_.liveness().enter(Phase::push, protocol_.step());
}

void TrainerClient::push(const Batch& batch) {
  pushed_ns_ = steady_ns();
  const StepRecord record{.step = protocol_.step(),
                          .samples = batch.samples,
                          .loss = batch.loss,
                          .gradient_ready_ns = pushed_ns_,
                          .parameters_ready_ns = parameters_ready_ns_,
                          .exposed_ns = exposed_ns_,
                          .staged_bytes = batch.staged_bytes,
                          .reserved = 0};
  const Status status = gradients_->push(protocol_, record);
  if (!status.ok()) fabric_.throw_for(status, generator_rank());
}

void TrainerClient::report_evaluation(double loss_sum, std::uint64_t correct, std::uint64_t samples) {
  if (stopping()) fabric_.liveness().throw_stop();  // the test was cut short
  const EvaluationRecord record{.version = protocol_.step(),
                                .samples = samples,
                                .correct = correct,
                                .loss_sum = loss_sum,
                                .parameters_ready_ns = parameters_ready_ns_,
                                .exposed_ns = exposed_ns_,
                                .reserved = {}};
  const auto copy = fabric_.control().bytes().subspan(TrainerControl::kEvaluationRecord, sizeof record);
  std::memcpy(copy.data(), &record, sizeof record);
  const Status status =
      fabric_.queue().put_and_ring(link_->control, GeneratorControl::evaluation_record(fabric_.group().self().index),
                                   copy, fabric_.control(), link_->evaluation, ++evaluations_, 0);
  if (!status.ok()) fabric_.throw_for(status, generator_rank());
}

void TrainerClient::leave() {
  fabric_.wait_until([](const Completion&) {}, [this] { return link_->version_heard.value() >= kEndOfRun.encode(); },
                     [this] { return generator_rank(); });
  // The endpoint is not closed in agreement with the generator: that has everything, and may progress no more.
  fabric_.liveness().leave();
}

void TrainerClient::wait_for_version() {
  const auto published = [this] {
    protocol_.on_bell(link_->version_heard.value());
    return protocol_.parameters_ready();
  };
  fabric_.wait_until([this](const Completion& completion) { fabric_.check(completion, generator_rank()); }, published,
                     [this] { return generator_rank(); });
}

void TrainerClient::fetch_version() {
  const Status status = parameters_->begin_fetch(protocol_.buffer());
  if (!status.ok()) fabric_.throw_for(status, generator_rank());
  bool arrived = false;
  fabric_.wait_until(
      [&](const Completion& completion) {
        fabric_.check(completion, generator_rank());
        arrived |= completion.kind == CompletionKind::data_arrived;
      },
      [&] { return arrived; }, [this] { return generator_rank(); });
}

}  // namespace runnel
