// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/plan/run_plan.h"
#include "trainer/dataset/batch_reader.h"
#include "trainer/dataset/dataset.h"
#include "trainer/dataset/sampler.h"

namespace runnel {

/// The batches that one process trains on, in the order in which it computes them: those of a step for each of its
/// shares of the data, then those of the next step. Read ahead by data.prefetch steps. Thread: as `BatchReader`.
class TrainingBatches {
 public:
  struct Shares {
    std::size_t first = 0;
    std::size_t count = 1;
  };

  /// Those of neighbouring trainers, or virtual trainers. `dataset` outlives this; batches are for `device`.
  TrainingBatches(const Dataset& dataset, const RunPlan& plan, const Config& config, const Shares& shares,
                  c10::Device device);

  /// The batch of `share`, one of the shares, in `step`, one of the plan; without samples where the share has run out.
  /// Otherwise as `BatchReader::get`.
  BatchReader::Item get(std::int64_t step, std::size_t share);

  /// As `BatchReader::stop`.
  void stop() { reader_.stop(); }

 private:
  Selection select(std::int64_t number);

  RunPlan plan_;
  Shares shares_;
  std::uint64_t seed_;
  Sampler sampler_;  // of all shares
  BatchReader reader_;
};

}  // namespace runnel
