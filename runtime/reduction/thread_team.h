// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace runnel {

/// A fixed number of threads that share a loop, and between loops spin for some microseconds before they are parked.
///
/// The caller's thread is one of them, so a team of one starts no thread. Each takes the next part of the loop when it
/// has done one: a helper that gets no core does not delay the loop. Helpers run on other cores than the caller's, if
/// the process may use any. One thread calls run().
class ThreadTeam {
 public:
  /// Starts `threads - 1` helpers, or none and throws `RunError` (71) when the system refuses one of them.
  explicit ThreadTeam(std::size_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// Calls `body(begin, end)` for consecutive and nearly equal parts of [0, count), each in one of the threads, and
  /// returns when all calls have returned. `body` does not throw. Allocates nothing.
  template <typename Body>
  void run(std::size_t count, const Body& body) {
    run_task({count, &body, [](const void* erased, std::size_t begin, std::size_t end) {
                (*static_cast<const Body*>(erased))(begin, end);
              }});
  }

 private:
  struct Task {
    std::size_t count = 0;
    const void* body = nullptr;
    void (*call)(const void* body, std::size_t begin, std::size_t end) = nullptr;
  };

  void end_helpers();
  void run_task(Task task);
  void keep_helpers_off(int cpu);
  void do_parts();
  void help();

  Task task_;
  std::size_t parts_ = 0;               // of the task
  std::atomic<std::uint32_t> left_{0};  // parts that no thread has taken; helpers wait for this word
  std::atomic<std::uint32_t> open_{0};  // parts that are not done
  std::vector<std::thread> helpers_;
  cpu_set_t allowed_;  // the cores that the process may use; empty if unknown
  int caller_cpu_ = -1;
};

}  // namespace runnel
