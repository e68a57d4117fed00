// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>

namespace runnel {

/// While one lives, sockets of this process that are bound to all addresses are bound to one instead, in programs that
/// link the object library runnel_rank_bind; in others it changes nothing. One at a time. Thread: any.
class ListenOnly {
 public:
  /// An IPv4 address in host byte order. 0: as the caller of bind() says.
  explicit ListenOnly(std::uint32_t address) { current = address; }
  ~ListenOnly() { current = 0; }

  ListenOnly(const ListenOnly&) = delete;
  ListenOnly& operator=(const ListenOnly&) = delete;

  static std::uint32_t address() { return current; }

 private:
  static inline std::atomic<std::uint32_t> current = 0;
};

}  // namespace runnel
