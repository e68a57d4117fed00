// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "runtime/base/work_ahead.h"
#include "trainer/dataset/batch_builder.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Numbered batches of a data set, read ahead by a thread.
///
/// Thread: one uses it. `Dataset::read` and the order are called by that one or by the reader, which the first `get`
/// starts, but never by both at a time. The reader has the signal mask of the thread that starts it. It draws no random
/// numbers, uses no GPU and starts no threads of LibTorch's.
class BatchReader {
 public:
  /// What batch `number` is made from; valid until the next call. Any number may follow any other.
  using Order = std::function<Selection(std::int64_t number)>;

  struct Settings {
    std::int64_t batches = 0;  ///< in the order
    std::size_t largest_batch = 1;
    std::size_t ahead = 0;  ///< batches that are read before they are needed; 0: no thread, `get` reads
    c10::Device device = c10::kCPU;
  };

  /// Allocates host memory for `ahead` + 1 batches. `dataset`, and what `order` refers to, outlive this.
  BatchReader(const Dataset& dataset, const Settings& settings, Order order);

  struct Item {
    Batch batch;
    std::int64_t begin_ns = 0;  ///< when reading it began and ended, as `steady_ns`
    std::int64_t end_ns = 0;
  };

  /// Batch `number` of the order, on the device; waits until it is read, or reads it if the reader has not begun. Valid
  /// until the next call. When `number` is not the next one, reading begins again from there. Throws what reading that
  /// batch threw, and as `start_thread`.
  Item get(std::int64_t number);

  /// Waits for the read under way, then ends the thread. Nothing can be read afterwards.
  void stop() { work_.stop(); }

 private:
  struct Place {
    BatchBuilder builder;
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;
  };

  void read(std::int64_t number, Place& place);

  Order order_;
  std::deque<Place> places_;
  Place* taken_ = nullptr;
  WorkAhead work_;  // last: its thread uses the others
};

}  // namespace runnel
