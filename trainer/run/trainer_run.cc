// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/trainer_run.h"

#include <array>
#include <cstddef>
#include <utility>

#include "trainer/compute/evaluation.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/failure.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

/// The arenas of the copies of a tensor window.
template <class MemoryOf, std::size_t... kCopies>
std::array<TensorArena, sizeof...(kCopies)> arenas_of(const BucketLayout& layout, c10::Device device,
                                                      const MemoryOf& memory, std::index_sequence<kCopies...>) {
  return {TensorArena(layout, memory(static_cast<int>(kCopies)), device)...};
}

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
    // Before anything else: UCX may take long to handle broken connections, or abort this process.
    const ExitStatus status = log_failure(error);
    exchange.fail();
    if (is_reported(error)) throw;
    throw AlreadyReported(status);
  }
}

void TrainerRun::make_steps(TrainerClient& exchange) {
  const auto parameters = arenas_of(
      layout_, model_.device(), [&](int buffer) { return exchange.parameters(buffer); },
      std::make_index_sequence<kParameterBuffers>());
  const auto gradients = arenas_of(
      layout_, model_.device(), [&](int slot) { return exchange.gradients(slot); }, std::make_index_sequence<kSlots>());
  const auto at = [](const auto& arenas, int index) -> const TensorArena& {
    return arenas[static_cast<std::size_t>(index)];
  };
  bind_parameters(model_, at(parameters, 0));
  virtual_trainers_.record_into(exchange.trace());
  release_freed_memory();  // of the model's own values and of reading the data
  for (std::int64_t step = 0; step < plan_.total_steps(); ++step) {
    const auto made =
        virtual_trainers_.compute(step, at(parameters, exchange.buffer()), at(gradients, exchange.slot()), &exchange);
    exchange.push({.loss = made.loss,
                   .batches = static_cast<std::uint32_t>(made.batches),
                   .samples = static_cast<std::uint64_t>(made.images),
                   .staged_bytes = made.staged_bytes,
                   .nonfinite = made.nonfinite});
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
