// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// A process's part of a trace file.
struct ProcessTrace {
  int rank = 0;                      ///< generators come first, as in the ranks of a job
  std::string name;                  ///< "trainer 0 (host)"
  std::int64_t clock_offset_ns = 0;  ///< its steady clock minus that of rank 0; within ±2^61
  RecordedTrace recorded;
};

/// Writes the traces of all processes of a run on one clock, on which the earliest event begins at 0.
///
/// The format is Google's Trace Event Format (a JSON object), which ui.perfetto.dev and chrome://tracing open;
/// README.md, "The file", describes its contents. `version` is Runnel's. Dropped events are counted in the file
/// and in a warning. Either the whole file is written or nothing. Throws `WriteError`. Any thread.
void write_trace(const std::filesystem::path& file, const std::vector<ProcessTrace>& processes,
                 const std::string& version);

}  // namespace runnel
