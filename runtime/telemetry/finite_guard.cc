// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/finite_guard.h"

#include <cmath>

#include "transport/log.h"

namespace runnel {
namespace {

const char* text_of(double value) {
  if (std::isnan(value)) return "not a number (NaN)";
  return value > 0 ? "infinite" : "infinite (negative)";
}

}  // namespace

void FiniteGuard::check_loss(const std::string& whose, double loss, std::uint64_t step) {
  if (std::isfinite(loss)) return;
  report("the loss of " + whose + " is " + text_of(loss) + " at step " + std::to_string(step + 1));
}

void FiniteGuard::report_parameter(const std::string& element, float value, std::uint64_t step) {
  report("parameter " + element + " is " + text_of(value) + " after step " + std::to_string(step + 1));
}

void FiniteGuard::report(const std::string& what) {
  if (stops_) {
    throw NotFinite(
        what +
        "; lower optimizer.lr or set optimizer.clip_norm, or look for NaN in the data with `runnel inspect` "
        "(run.on_nonfinite = \"warn\" continues)");
  }
  if (warned_) return;
  warned_ = true;
  log_warning(what + "; the run continues, because run.on_nonfinite is \"warn\"");
}

}  // namespace runnel
