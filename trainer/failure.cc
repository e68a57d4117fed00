// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/failure.h"

#include <c10/util/Exception.h>

#include <string>

#include "runtime/atomic_file.h"
#include "transport/log.h"

namespace runnel {
namespace {

/// Of what LibTorch says, without the backtrace.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace

ExitStatus log_failure(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) {
    log_error(first_line(error) + "; use a smaller trainer.batch_size, or fewer processes on a GPU");
    return ExitStatus::os_limit;
  }
  const ExitStatus status = status_of(error);
  const bool is_unforeseen = status == ExitStatus::internal && dynamic_cast<const RunError*>(&error) == nullptr;
  if (*error.what() != '\0') log_error((is_unforeseen ? "internal error: " : "") + first_line(error));
  return status;
}

void try_to_write(const std::function<void()>& write) {
  try {
    write();
  } catch (const WriteError& unwritten) {
    log_error(unwritten.what());
  }
}

}  // namespace runnel
