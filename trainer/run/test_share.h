// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/config/config.h"
#include "runtime/plan/sample_range.h"
#include "runtime/protocol/score.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"
#include "trainer/run/registry.h"

namespace runnel {

/// A trainer's part of every test: neighbouring samples of the test set. Thread: one at a time.
class TestShare {
 public:
  /// Opens the test set. `config` outlives this. Throws `RunError`.
  TestShare(const Config& config, const Registry& registry, std::size_t trainer);

  /// The whole test set.
  const Dataset& dataset() const { return *dataset_; }

  /// Samples of this share.
  std::int64_t size() const { return static_cast<std::int64_t>(share_.count); }

  /// The score of `model`, with its present parameters, on this share; incomplete if `keep_going`, asked before each
  /// forward pass, returns false. Throws `RunError`: as `Dataset::read`, and as `require_whole_files`.
  Score score(TrainedModel& model, const std::function<bool()>& keep_going) const;

 private:
  const Config& config_;
  std::unique_ptr<Dataset> dataset_;
  SampleRange share_;
};

}  // namespace runnel
