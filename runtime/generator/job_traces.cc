// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/job_traces.h"

#include <utility>

namespace runnel {

void JobTraces::collect(Generator& exchange) {
  if (file_.empty()) return;
  collect_own(exchange);
  for (ProcessTrace& other : exchange.collect_traces()) traces_.push_back(std::move(other));
}

void JobTraces::collect_own(Generator& exchange) {
  if (!file_.empty() && traces_.empty()) traces_.push_back(exchange.own_trace());
}

void JobTraces::write(const std::string& version) {
  if (!traces_.empty() && !file_.empty()) write_trace(std::exchange(file_, {}), traces_, version);
}

}  // namespace runnel
