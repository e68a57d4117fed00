// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/diagnosis_output.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

OwnedFd require_open(int fd) {
  if (fd >= 0) return OwnedFd(fd);
  throw RunError(ExitStatus::os_limit, std::string("cannot use standard output: ") + std::strerror(errno));
}

}  // namespace

DiagnosisOutput::DiagnosisOutput(Others others) : out_(require_open(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0))) {
  if (others == Others::kept) memory_ = require_open(memfd_create("diagnosis", MFD_CLOEXEC));
  const int target = others == Others::kept ? memory_.get() : STDERR_FILENO;
  if (dup2(target, STDOUT_FILENO) >= 0) return;
  throw RunError(ExitStatus::os_limit, std::string("cannot use standard output: ") + std::strerror(errno));
}

std::string DiagnosisOutput::kept() const {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t count = pread(memory_.get(), part.data(), part.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
}

void DiagnosisOutput::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = ::write(out_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw RunError(ExitStatus::cannot_write, "cannot write the diagnosis to standard output");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace runnel
