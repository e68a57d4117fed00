// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace runnel {

/// Lines to standard error, one per call, each after the process's prefix. The logging library stays inside log.cc, so
/// that files which include LibTorch (with its own fmt) can log. Any thread; never on the step path.
void log_warning(std::string_view line);
void log_error(std::string_view line);

/// Names this process in every later line, for example "[trainer 1]". Set once, at start.
void set_log_prefix(const std::string& prefix);

/// Gets each line instead of standard error; for tests. An empty function ends the capture.
using LogCapture = std::function<void(std::string_view)>;
void capture_log(LogCapture capture);

}  // namespace runnel
