// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>

namespace runnel {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// One logger for the process. The pattern is "prefix level: line", the level only where it is a warning or an error.
class Log {
 public:
  static Log& instance() {
    static Log& log = *new Log;  // never destroyed: MPI calls exit() in one thread while another logs
    return log;
  }

  void write(LogLevel level, std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (capture_) return capture_(level, line);
    const char* mark = level == LogLevel::error ? "error: " : level == LogLevel::warning ? "warning: " : "";
    logger_->log(to_spdlog(level), "{}{}{}", prefix_, mark, line);
  }

  void set_prefix(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    prefix_ = prefix.empty() ? prefix : prefix + " ";
  }

  void set_level(LogLevel level) { logger_->set_level(to_spdlog(level)); }

  void set_capture(LogCapture capture) {
    const std::lock_guard lock(mutex_);
    capture_ = std::move(capture);
  }

 private:
  Log() : logger_(std::make_shared<spdlog::logger>("runnel", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
    logger_->set_pattern("%v");
    logger_->flush_on(spdlog::level::debug);
  }

  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
  std::string prefix_;
  LogCapture capture_;
};

}  // namespace

void log_debug(std::string_view line) {
  Log::instance().write(LogLevel::debug, line);
}
void log_info(std::string_view line) {
  Log::instance().write(LogLevel::info, line);
}
void log_warning(std::string_view line) {
  Log::instance().write(LogLevel::warning, line);
}
void log_error(std::string_view line) {
  Log::instance().write(LogLevel::error, line);
}
void set_log_prefix(const std::string& prefix) {
  Log::instance().set_prefix(prefix);
}
void set_log_level(LogLevel level) {
  Log::instance().set_level(level);
}
void capture_log(LogCapture capture) {
  Log::instance().set_capture(std::move(capture));
}

}  // namespace runnel
