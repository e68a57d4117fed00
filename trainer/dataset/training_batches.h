// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/seat_tree.h"
#include "trainer/dataset/batch_reader.h"
#include "trainer/dataset/dataset.h"
#include "trainer/dataset/sampler.h"

namespace runnel {

/// The batches that one process trains on, in the order in which it computes them: those of a step for each of its
/// seats, then those of the next step. Read ahead by data.prefetch steps. Thread: as `BatchReader`.
class TrainingBatches {
 public:
  /// Those of `seats`. `dataset` outlives this; batches are for `device`.
  TrainingBatches(const Dataset& dataset, const RunPlan& plan, const Config& config, const SeatRange& seats,
                  c10::Device device);

  /// The batch of `seat`, one of the seats, in `step`, one of the plan; without samples where its part has run out.
  /// Otherwise as `BatchReader::get`.
  BatchReader::Item get(std::int64_t step, std::size_t seat);

  /// As `BatchReader::stop`.
  void stop() { reader_.stop(); }

 private:
  Selection select(std::int64_t number);

  RunPlan plan_;
  SeatRange seats_;
  std::uint64_t seed_;
  Sampler sampler_;  // of all seats
  BatchReader reader_;
};

}  // namespace runnel
