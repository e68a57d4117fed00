// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace runnel {

/// Makes numbered items before they are needed: in order, by a thread of its own, in places that are used again.
///
/// An item that the thread has not begun when it is needed is made by `take`: on a machine without an idle core,
/// waiting until the thread has its turn could take longer. Thread: the one that made this takes the items. `make` is
/// called by that one or by the own thread, never by both at a time.
class WorkAhead {
 public:
  struct Settings {
    std::string purpose;    ///< of the thread, as in `start_thread`
    std::int64_t end = 0;   ///< items are numbered from 0 to below this
    std::size_t ahead = 0;  ///< the most items after the taken one that are made; 0: no thread
  };

  /// Makes item `number` in place `place`. What it throws is thrown by the `take` of that item.
  using Make = std::function<void(std::int64_t number, std::size_t place)>;

  WorkAhead(Settings settings, Make make);
  ~WorkAhead() { stop(); }
  WorkAhead(const WorkAhead&) = delete;
  WorkAhead& operator=(const WorkAhead&) = delete;

  /// Places are numbered from 0 to below this: one is taken, the others are ahead of it.
  std::size_t places() const { return errors_.size(); }

  /// Waits until item `number` is made, and returns its place, which nobody writes before the next call.
  ///
  /// After a number that is not the next one, work begins again from there. The first call starts the thread; throws
  /// as `start_thread`.
  std::size_t take(std::int64_t number);

  /// Waits for the item that is being made, then ends the thread. Nothing can be taken afterwards.
  void stop();

 private:
  void run();
  void make_next(std::unique_lock<std::mutex>& lock);
  bool may_make() const;
  std::size_t place_of(std::int64_t number) const { return static_cast<std::size_t>(number) % places(); }
  std::exception_ptr make(std::int64_t number) const;

  const Settings settings_;
  const Make make_;
  std::mutex mutex_;  // of the members from here to errors_
  std::condition_variable changed_;
  std::condition_variable made_;
  std::int64_t next_ = 0;       // the item after the one that is taken, or awaited
  std::int64_t to_make_ = 0;    // the item to make next: those from `next_` to here are ready
  std::uint64_t restarts_ = 0;  // what is being made at a restart is thrown away
  bool making_ = false;
  bool stopping_ = false;
  std::vector<std::exception_ptr> errors_;  // by place; null: it was made
  std::thread thread_;
};

}  // namespace runnel
