// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/generator/generator.h"
#include "runtime/telemetry/trace_file.h"

namespace runnel {

/// The trace file of a job, for which the lead generator collects the traces of all processes. Thread: the main thread.
class JobTraces {
 public:
  /// `file` is empty where this process writes none.
  explicit JobTraces(std::string file) : file_(std::move(file)) {}

  /// When the run is over, before `exchange` leaves: all traces. Throws as `Generator::collect_traces`.
  void collect(Generator& exchange);

  /// After an error, which lets nobody wait for others: the trace of this process, unless there are some already.
  void collect_own(Generator& exchange);

  /// Writes what was collected, once; nothing where nothing was. `version` is Runnel's. Throws `WriteError`.
  void write(const std::string& version);

 private:
  std::string file_;  // empty when there is nothing left to write
  std::vector<ProcessTrace> traces_;
};

}  // namespace runnel
