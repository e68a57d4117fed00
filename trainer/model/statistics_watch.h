// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/record_function.h>

#include <memory>
#include <string>
#include <vector>

#include "trainer/model/model.h"

namespace runnel {

/// While this lives, sees which tensors the calling thread's operations are given as a normalization's running
/// statistics to write to. LibTorch writes to these without counting a version. One at a time in a thread.
class StatisticsWatch {
 public:
  /// `parameters` outlive this.
  explicit StatisticsWatch(const std::vector<NamedTensor>& parameters);
  ~StatisticsWatch();
  StatisticsWatch(const StatisticsWatch&) = delete;
  StatisticsWatch& operator=(const StatisticsWatch&) = delete;

  /// The first parameter that was given, or null.
  const NamedTensor* written() const { return written_; }

 private:
  static std::unique_ptr<at::ObserverContext> on_operation(const at::RecordFunction& operation);
  void note(const c10::IValue& statistic);

  const std::vector<NamedTensor>& parameters_;
  const NamedTensor* written_ = nullptr;
  at::CallbackHandle callback_;
};

}  // namespace runnel
