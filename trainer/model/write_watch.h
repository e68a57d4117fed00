// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/record_function.h>

#include <memory>
#include <string>
#include <vector>

#include "trainer/model/model.h"

namespace runnel {

/// While this lives, sees which tensors the calling thread's operations are given to write to. LibTorch counts no
/// version of a parameter for what is written through `.data`, or to a normalization's running statistics. One at a
/// time in a thread.
class WriteWatch {
 public:
  /// `parameters` outlive this.
  explicit WriteWatch(const std::vector<NamedTensor>& parameters);
  ~WriteWatch();
  WriteWatch(const WriteWatch&) = delete;
  WriteWatch& operator=(const WriteWatch&) = delete;

  /// The first parameter that was given, or null.
  const NamedTensor* written() const { return written_; }

 private:
  static std::unique_ptr<at::ObserverContext> on_operation(const at::RecordFunction& operation);
  void note(const c10::IValue& tensor);

  const std::vector<NamedTensor>& parameters_;
  const NamedTensor* written_ = nullptr;
  at::CallbackHandle callback_;
};

}  // namespace runnel
