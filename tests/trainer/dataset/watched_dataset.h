// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/dataset/dataset.h"

namespace runnel::test {

/// Samples that are their indices, int64 []. It writes down which thread reads what.
class WatchedDataset final : public Dataset {
 public:
  explicit WatchedDataset(std::int64_t size) : size_(size) {}

  std::int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return fields_; }

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    const std::lock_guard lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (samples[i] == damaged_) {
        throw RunError(ExitStatus::bad_data, "sample " + std::to_string(samples[i]) + " is damaged");
      }
      batch.fields[0][static_cast<std::int64_t>(i)].fill_(static_cast<std::int64_t>(samples[i]));
      read_.push_back(samples[i]);
    }
    changed_.notify_all();
  }

  /// Reading sample `index` fails. Set before the first read.
  void fail_at(std::uint32_t index) { damaged_ = index; }

  /// Waits until `count` samples were read; false if that does not come.
  bool await_reads(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return read_.size() >= count; });
  }

  /// In the order in which they were read.
  std::vector<std::uint32_t> read_samples() const {
    const std::lock_guard lock(mutex_);
    return read_;
  }

  std::set<std::thread::id> threads() const {
    const std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  std::int64_t size_;
  std::vector<Field> fields_ = {{.name = "index", .type = at::kLong, .shape = {}}};
  std::optional<std::uint32_t> damaged_;
  mutable std::mutex mutex_;  // of all that follows
  mutable std::condition_variable changed_;
  mutable std::vector<std::uint32_t> read_;
  mutable std::set<std::thread::id> threads_;
};

}  // namespace runnel::test
