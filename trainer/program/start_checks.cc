// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/start_checks.h"

#include <string>

#include "runtime/base/run_error.h"
#include "transport/log.h"

namespace runnel {

void report_ignored_settings(const std::optional<LaunchPlace>& place) {
  const std::string settings = ignored_settings();
  if (settings.empty() || started_by_launcher() || (place && place->rank != 0)) return;
  log_warning("ignored: " + settings +
              "; it would bind the whole job to one core, or take threads away: run.pin and trainer.threads decide");
}

}  // namespace runnel
