// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A module that the launcher preloads into mpirun when all ranks are on this host. Open MPI listens on all addresses,
// and no setting of it says otherwise; with this bind() that means all of loopback.
#include "runtime/launch/bind_for_any.h"

extern "C" [[gnu::visibility("default")]] int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  return runnel::bind_for_any(fd, address, length, {.s_addr = htonl(INADDR_LOOPBACK)}, in6addr_loopback);
}
