// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The bind() of programs that link this object file, for all that the program loads: while MPI starts, "all addresses"
// means the one that `ListenOnly` names. Open MPI has no setting for it.
#include "runtime/launch/bind_for_any.h"
#include "runtime/launch/listen_only.h"

extern "C" [[gnu::visibility("default")]] int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  const std::uint32_t chosen = runnel::ListenOnly::address();
  if (chosen == 0) return runnel::next_bind(fd, address, length);
  return runnel::bind_for_any(fd, address, length, {.s_addr = htonl(chosen)}, in6addr_loopback);
}
