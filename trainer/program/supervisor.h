// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>

namespace runnel {

/// Runs a job by `start`, which gives its exit status or throws, and starts it again when a process was lost or had an
/// internal error: at most `restarts` times, after a second, then two, four … up to a minute, and after one again when
/// a start has made a checkpoint in `checkpoints`. A line says why each time.
///
/// Until the job has made one, it starts as the command line says; then from the newest (`JobStart`). Gives the status
/// of the last start, or throws what that threw; `RunError` (130, 143) when a signal comes between two starts, with the
/// signals that end a launcher blocked for good. Thread: the main thread, while there is no other.
int supervise(int restarts, const std::filesystem::path& checkpoints, const std::function<int()>& start);

}  // namespace runnel
