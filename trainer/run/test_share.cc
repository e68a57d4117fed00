// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/test_share.h"

#include "runtime/base/whole_files.h"
#include "trainer/compute/evaluation.h"

namespace runnel {

TestShare::TestShare(const Config& config, const Registry& registry, std::size_t trainer)
    : config_(config),
      dataset_(registry.make_dataset(config, Split::test)),
      share_(contiguous_share(static_cast<std::size_t>(dataset_->size()), trainer,
                              static_cast<std::size_t>(config.trainer.count))) {}

Score TestShare::score(TrainedModel& model, const std::function<bool()>& keep_going) const {
  const Score score = evaluate(model, *dataset_, share_, config_, keep_going);
  // A test ends every epoch and every run: nothing is reported or saved that zeros of a shortened file went into.
  require_whole_files();
  return score;
}

}  // namespace runnel
