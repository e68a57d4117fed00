// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace runnel {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Lines to standard error, one per call, each after the process's prefix. The logging library stays inside log.cc, so
/// that files which include LibTorch (with its own fmt) can log. Any thread; never on the step path.
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warning(std::string_view line);
void log_error(std::string_view line);

/// Names this process in every later line, for example "[trainer 1]". Set once, at start.
void set_log_prefix(const std::string& prefix);

/// Lines below `level` are dropped; at start that is `LogLevel::info`.
void set_log_level(LogLevel level);

/// Gets each line instead of standard error, whatever its level; for tests. An empty function ends the capture.
using LogCapture = std::function<void(LogLevel, std::string_view)>;
void capture_log(LogCapture capture);

}  // namespace runnel
