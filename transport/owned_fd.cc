// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/owned_fd.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "transport/status.h"

namespace runnel {
namespace {

std::string remedy_for(int error) {
  if (error == EMFILE) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return "; this process may have " + std::to_string(limit.rlim_cur) + ": raise it with ulimit -n";
  }
  if (error == ENFILE) return "; the whole system has too many: raise it with sysctl fs.file-max";
  return "";
}

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

OwnedFd OwnedFd::checked(int fd, const char* what) {
  if (fd >= 0) return OwnedFd(fd);
  const int error = errno;
  throw TransportError(StatusCode::out_of_memory, std::string(what) + ": " + std::strerror(error) + remedy_for(error));
}

}  // namespace runnel
