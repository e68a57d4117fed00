// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

namespace runnel {

/// Owns a file descriptor, or none; moves.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();

  /// Takes what the system call `what` gave. Throws `TransportError` (out_of_memory) when it gave none: the message
  /// says why, and names the limit when there are too many descriptors.
  static OwnedFd checked(int fd, const char* what);

  /// -1 for none.
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace runnel
