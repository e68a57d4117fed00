// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>

namespace runnel {
namespace {

/// One logger for the process. The pattern is "prefix level: line".
class Log {
 public:
  static Log& instance() {
    static Log& log = *new Log;  // never destroyed: MPI calls exit() in one thread while another logs
    return log;
  }

  void write(std::string_view level, std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (capture_) return capture_(line);
    logger_->error("{}{}: {}", prefix_, level, line);
  }

  void set_prefix(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    prefix_ = prefix.empty() ? prefix : prefix + " ";
  }

  void set_capture(LogCapture capture) {
    const std::lock_guard lock(mutex_);
    capture_ = std::move(capture);
  }

 private:
  Log() : logger_(std::make_shared<spdlog::logger>("runnel", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
    logger_->set_pattern("%v");
    logger_->flush_on(spdlog::level::err);
  }

  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_;
  std::string prefix_;
  LogCapture capture_;
};

}  // namespace

void log_warning(std::string_view line) {
  Log::instance().write("warning", line);
}
void log_error(std::string_view line) {
  Log::instance().write("error", line);
}
void set_log_prefix(const std::string& prefix) {
  Log::instance().set_prefix(prefix);
}
void capture_log(LogCapture capture) {
  Log::instance().set_capture(std::move(capture));
}

}  // namespace runnel
