// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace runnel {

template <class Address>
Address copy_of(const sockaddr* address) {
  Address copy;
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

/// The bind() that comes after the one in the caller's module: the system's.
inline int next_bind(int fd, const sockaddr* address, socklen_t length) {
  using Bind = int(int, const sockaddr*, socklen_t);
  static Bind* const next = reinterpret_cast<Bind*>(dlsym(RTLD_NEXT, "bind"));
  return next(fd, address, length);
}

/// The same, with `v4` or `v6` in place of "all addresses". For functions that stand in for bind().
inline int bind_for_any(int fd, const sockaddr* address, socklen_t length, const in_addr& v4, const in6_addr& v6) {
  if (address != nullptr && length >= sizeof(sockaddr_in) && address->sa_family == AF_INET) {
    auto any = copy_of<sockaddr_in>(address);
    if (any.sin_addr.s_addr == htonl(INADDR_ANY)) {
      any.sin_addr = v4;
      return next_bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
  }
  if (address != nullptr && length >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6) {
    auto any = copy_of<sockaddr_in6>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&any.sin6_addr)) {
      any.sin6_addr = v6;
      return next_bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
  }
  return next_bind(fd, address, length);
}

}  // namespace runnel
