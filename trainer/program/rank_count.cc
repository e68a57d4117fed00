// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/rank_count.h"

#include "runtime/base/run_error.h"

namespace runnel {

void require_same_count(const LaunchPlace& place, int asked_for, const Config& config) {
  if (asked_for == 0 || asked_for == config.trainer.count) return;
  throw RunError(ExitStatus::usage, "-n " + std::to_string(asked_for) + " contradicts mpirun, which started " +
                                        std::to_string(place.size) + " ranks, for " +
                                        std::to_string(config.generator.count) + " generators and " +
                                        std::to_string(config.trainer.count) +
                                        " trainers; leave -n out of what mpirun starts");
}

}  // namespace runnel
