// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A module that the launcher preloads into mpirun when all ranks are on this host. Open MPI listens on all addresses,
// and no setting of it says otherwise; with this bind() that means all of loopback.
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace {

using Bind = int(int, const sockaddr*, socklen_t);

Bind* next_bind() {
  static Bind* const next = reinterpret_cast<Bind*>(dlsym(RTLD_NEXT, "bind"));
  return next;
}

template <class Address>
Address copy_of(const sockaddr* address) {
  Address copy;
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  if (address != nullptr && length >= sizeof(sockaddr_in) && address->sa_family == AF_INET) {
    auto any = copy_of<sockaddr_in>(address);
    if (any.sin_addr.s_addr == htonl(INADDR_ANY)) {
      any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return next_bind()(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
  }
  if (address != nullptr && length >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6) {
    auto any = copy_of<sockaddr_in6>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&any.sin6_addr)) {
      any.sin6_addr = in6addr_loopback;
      return next_bind()(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
  }
  return next_bind()(fd, address, length);
}
