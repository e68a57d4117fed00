// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "transport/owned_fd.h"

namespace runnel::test {

/// A pseudo-terminal: its name for the processes that use it, and what a user does, who types and reads.
class Terminal {
 public:
  Terminal();
  ~Terminal();

  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const std::string& name() const { return name_; }

  /// Control characters count as keys: "\x1a" is Ctrl-Z.
  void type(const std::string& keys);

  /// All that processes have written, and the echo of what was typed.
  std::string output() const;

  /// Waits until `text` is written after the first `from` characters; fails the test when it does not come.
  void await(const std::string& text, std::size_t from = 0) const;

 private:
  void read_all();

  OwnedFd master_;
  OwnedFd slave_;  // held open, so that the terminal outlives its processes
  std::string name_;
  mutable std::mutex mutex_;
  std::string output_;
  std::atomic<bool> ending_{false};
  std::thread reader_;
};

}  // namespace runnel::test
