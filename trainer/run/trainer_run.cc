// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/trainer_run.h"

#include <array>
#include <cstddef>
#include <span>

#include "runtime/protocol/pass_observer.h"
#include "trainer/compute/evaluation.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/failure.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

/// Lets the exchange of a step go on behind its passes.
class OverlappedExchange final : public PassObserver {
 public:
  explicit OverlappedExchange(TrainerClient& exchange) : exchange_(exchange) {}

  void before_use(std::size_t tensor) override { exchange_.await_parameters(tensor); }
  void gradient_ready(std::size_t tensor) override { exchange_.gradient_ready(tensor); }

 private:
  TrainerClient& exchange_;
};

}  // namespace

TrainerRun::TrainerRun(const Config& config, const RunPlan& plan, const BucketLayout& layout, Model& model,
                       std::size_t trainer)
    : config_(config),
      plan_(plan),
      layout_(layout),
      model_(model),
      train_(VirtualTrainers::load_shares(config, trainer)),
      test_(IdxDataset::load(config.data.path, Split::test, trainer, static_cast<std::size_t>(config.trainer.count))),
      virtual_trainers_(model, train_, plan, layout, config, trainer) {}

void TrainerRun::run(TrainerClient& exchange) {
  try {
    make_steps(exchange);
    exchange.leave();
  } catch (const std::exception& error) {
    // Before anything else: what UCX does with broken connections may take its time, or this process.
    const ExitStatus status = log_failure(error);
    exchange.keep_silent();
    exchange.fail();
    throw RunError(status, "");
  }
}

void TrainerRun::make_steps(TrainerClient& exchange) {
  static_assert(kParameterBuffers == 2 && kSlots == 2);
  const auto arena = [&](std::span<float> memory) { return TensorArena(layout_, memory, model_.device()); };
  const std::array<TensorArena, 2> parameters = {arena(exchange.parameters(0)), arena(exchange.parameters(1))};
  const std::array<TensorArena, 2> gradients = {arena(exchange.gradients(0)), arena(exchange.gradients(1))};
  const auto at = [](const auto& arenas, int index) -> const TensorArena& {
    return arenas[static_cast<std::size_t>(index)];
  };
  bind_parameters(model_, at(parameters, 0));
  virtual_trainers_.record_into(exchange.trace());
  release_freed_memory();  // the model's own values, and what reading the data took
  OverlappedExchange overlapped(exchange);
  for (std::int64_t step = 0; step < plan_.total_steps(); ++step) {
    const auto made =
        virtual_trainers_.compute(step, at(parameters, exchange.buffer()), at(gradients, exchange.slot()), &overlapped);
    exchange.push({.loss = made.loss,
                   .batches = static_cast<std::uint64_t>(made.batches),
                   .samples = static_cast<std::uint64_t>(made.images),
                   .staged_bytes = made.staged_bytes});
    if (!plan_.test_after(step)) continue;
    exchange.pull();
    bind_parameters(model_, at(parameters, exchange.buffer()));
    const Score score = test(exchange, step);
    exchange.report_evaluation(score.loss_sum, static_cast<std::uint64_t>(score.correct),
                               static_cast<std::uint64_t>(score.samples));
  }
}

Score TrainerRun::test(TrainerClient& exchange, std::int64_t step) {
  const TraceSpan span(exchange.trace(), {.what = TraceWhat::test, .step = static_cast<std::uint64_t>(step)});
  return evaluate(model_, test_, config_, [&] { return !exchange.stopping(); });
}

}  // namespace runnel
