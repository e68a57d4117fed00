// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace runnel::test {

/// A /dev/shm of a given size, seen by this thread, by those that it starts, and by nobody else.
class TinySharedMemory {
 public:
  explicit TinySharedMemory(std::size_t bytes) {
    const std::string options = "size=" + std::to_string(bytes);
    const bool is_alone = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    is_mounted_ = is_alone && mount("tmpfs", "/dev/shm", "tmpfs", 0, options.c_str()) == 0;
    if (!is_mounted_) why_ = std::strerror(errno);
  }
  ~TinySharedMemory() {
    if (is_mounted_) umount2("/dev/shm", MNT_DETACH);
  }

  TinySharedMemory(const TinySharedMemory&) = delete;
  TinySharedMemory& operator=(const TinySharedMemory&) = delete;

  /// Why this machine permits none; empty when it is there.
  const std::string& why_not() const { return why_; }

 private:
  bool is_mounted_ = false;
  std::string why_;
};

}  // namespace runnel::test
