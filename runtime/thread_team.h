// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace runnel {

/// A fixed number of threads that share a loop and are parked between loops.
///
/// The caller's thread is one of them, so a team of one starts no thread. One thread calls run().
class ThreadTeam {
 public:
  /// Starts `threads - 1` helpers.
  explicit ThreadTeam(std::size_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// Calls `body(begin, end)` once in each thread, with equal parts of [0, count), and returns when all have returned.
  /// `body` does not throw. Allocates nothing as long as `body` is a reference (`std::ref`) or captures one pointer.
  void run(std::size_t count, const std::function<void(std::size_t begin, std::size_t end)>& body);

 private:
  void help(std::size_t index);

  std::size_t threads_;
  std::size_t count_ = 0;
  const std::function<void(std::size_t, std::size_t)>* body_ = nullptr;
  std::atomic<std::uint32_t> round_{0};    // raised once per run, and once to stop
  std::atomic<std::uint32_t> pending_{0};  // helpers that have not finished the round
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> helpers_;
};

}  // namespace runnel
