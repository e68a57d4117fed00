// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
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

  /// Calls `body(begin, end)` in each thread, with consecutive and nearly equal parts of [0, count), and returns when
  /// all calls have returned. `body` does not throw. Allocates nothing.
  template <typename Body>
  void run(std::size_t count, const Body& body) {
    run_task(count, {&body, [](const void* erased, std::size_t begin, std::size_t end) {
                       (*static_cast<const Body*>(erased))(begin, end);
                     }});
  }

 private:
  struct Task {
    const void* body = nullptr;
    void (*call)(const void* body, std::size_t begin, std::size_t end) = nullptr;
  };

  void run_task(std::size_t count, Task task);
  void do_part(std::size_t index) const;
  void help(std::size_t index);

  std::size_t threads_;
  std::size_t count_ = 0;
  Task task_;                              // without body: the helpers end
  std::atomic<std::uint32_t> round_{0};    // raised once a task; what helpers wait for
  std::atomic<std::uint32_t> pending_{0};  // helpers that have not finished the task
  std::vector<std::thread> helpers_;
};

}  // namespace runnel
