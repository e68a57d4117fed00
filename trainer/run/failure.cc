// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/failure.h"

#include <new>

#include "runtime/base/atomic_file.h"
#include "trainer/torch/torch_error.h"
#include "transport/log.h"

namespace runnel {

std::string failure_line(const std::exception& error) {
  const std::string text = error.what();
  const std::string line = text.substr(0, text.find('\n'));
  if (is_out_of_memory(error)) {
    const bool has_text = dynamic_cast<const std::bad_alloc*>(&error) == nullptr;
    return (has_text ? line : "out of memory") +
           "; use a smaller model or trainer.batch_size, or fewer processes on a GPU";
  }
  const bool is_foreseen = status_of(error) != ExitStatus::internal || dynamic_cast<const RunError*>(&error) != nullptr;
  return is_foreseen ? line : "internal error: " + line;
}

ExitStatus log_failure(const std::exception& error) {
  if (!is_reported(error)) log_error(failure_line(error));
  return is_out_of_memory(error) ? ExitStatus::os_limit : status_of(error);
}

void rethrow_reported(const std::exception& error, ExitStatus status) {
  if (is_reported(error)) throw;
  throw AlreadyReported(status);
}

void do_or_fail(const std::function<void()>& work, const std::function<void(const std::exception&)>& fail) {
  try {
    work();
  } catch (const std::exception& error) {
    const ExitStatus status = log_failure(error);
    fail(error);
    rethrow_reported(error, status);
  }
}

void try_to_write(const std::function<void()>& write) {
  try {
    write();
  } catch (const WriteError& unwritten) {
    log_error(unwritten.what());
  }
}

}  // namespace runnel
