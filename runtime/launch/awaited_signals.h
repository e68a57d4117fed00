// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <optional>

#include "transport/owned_fd.h"

namespace runnel {

/// The signals that a launcher takes while its children run: those that stop it or suspend it, SIGUSR1, SIGUSR2, and
/// SIGCHLD. Blocked in the thread that makes it until it is destroyed, and to be read here. Thread: that one.
class AwaitedSignals {
 public:
  /// Throws `TransportError` when descriptors are short.
  AwaitedSignals();
  ~AwaitedSignals();

  AwaitedSignals(const AwaitedSignals&) = delete;
  AwaitedSignals& operator=(const AwaitedSignals&) = delete;

  /// Readable when `take` has something to give.
  int fd() const { return fd_.get(); }
  std::optional<signalfd_siginfo> take() const;

  /// What was blocked before: for children.
  const sigset_t& before() const { return before_; }

  /// Leaves them blocked for good, after one that ends this process: a repeated one must not end it another way.
  void keep_blocked() { restore_ = false; }

 private:
  sigset_t before_{};
  OwnedFd fd_;
  bool restore_ = true;
};

}  // namespace runnel
