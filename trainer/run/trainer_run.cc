// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/trainer_run.h"

#include <array>
#include <cstddef>
#include <utility>

#include "trainer/model/local_buffers.h"
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

TrainerRun::TrainerRun(const Config& config, const Registry& registry, const Dataset& train, const RunPlan& plan,
                       const RunStart& start, const BucketLayout& layout, TrainedModel& model, std::size_t trainer)
    : plan_(plan),
      start_(start),
      layout_(layout),
      model_(model),
      test_share_(config, registry, trainer),
      seat_gradients_(model, train, plan, layout, config, trainer) {}

void TrainerRun::run(TrainerClient& exchange) {
  const auto work = [&] {
    make_steps(exchange);
    exchange.leave();
  };
  do_or_fail(work, [&](const std::exception&) {
    exchange.fail();
    // While `exchange` is there: its heartbeat thread ends this process when a read hangs.
    seat_gradients_.stop_reading();
  });
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
  model_.tensors().bind(at(parameters, exchange.buffer()));
  seat_gradients_.record_into(exchange.trace());
  release_freed_memory();  // of the model's own values and of reading the data
  const auto test = [&](std::int64_t version) {
    exchange.pull();
    model_.use(at(parameters, exchange.buffer()));
    make_test(exchange, version);
  };
  write_state(exchange, start_.step);
  if (start_.tests_first) test(start_.step);
  for (std::int64_t step = start_.step; step < plan_.total_steps(); ++step) {
    make_step(exchange, step, at(parameters, exchange.buffer()), at(gradients, exchange.slot()));
    if (plan_.test_after(step)) test(step + 1);
  }
}

void TrainerRun::make_step(TrainerClient& exchange, std::int64_t step, const TensorArena& parameters,
                           const TensorArena& gradients) {
  const SeatGradients::Result made = seat_gradients_.compute(step, parameters, gradients, &exchange);
  write_state(exchange, step + 1);
  exchange.push({.loss = made.loss,
                 .batches = static_cast<std::uint32_t>(made.batches),
                 .samples = static_cast<std::uint64_t>(made.samples),
                 .staged_bytes = made.staged_bytes,
                 .data_ns = made.data_ns,
                 .nonfinite = made.nonfinite});
}

void TrainerRun::write_state(TrainerClient& exchange, std::int64_t version) {
  const auto state = exchange.state(static_cast<std::uint64_t>(version));
  if (!state.empty()) read_local_buffers(model_.tensors(), state);
}

void TrainerRun::make_test(TrainerClient& exchange, std::int64_t version) {
  const TraceSpan span(exchange.trace(), {.what = TraceWhat::test, .step = static_cast<std::uint64_t>(version - 1)});
  exchange.report_evaluation(test_share_.score(model_, [&] { return !exchange.stopping(); }));
}

}  // namespace runnel
