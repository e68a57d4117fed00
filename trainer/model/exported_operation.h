// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trainer/archive/exported_program.h"
#include "trainer/model/exported_argument.h"
#include "trainer/model/exported_arithmetic.h"

namespace runnel {

/// A node of an exported program, ready to run: the operation of LibTorch, or the function on sizes, and its arguments.
class ExportedOperation {
 public:
  /// Throws `RunError` (bad_data) with the file and the node for an operation that is not permitted (exported_rule.h)
  /// or does not take the node's arguments. Devices in the program become `device`.
  ExportedOperation(const ExportedNode& node, const std::filesystem::path& file, c10::Device device);

  /// Computes the results from other elements of `values`. Throws `RunError` (bad_data) with LibTorch's reason,
  /// or for a batch that has no variance to normalize by, and `c10::OutOfMemoryError`.
  void run(std::vector<c10::IValue>& values);

  /// The same without a write to an earlier value. An operation in place only passes its argument on; a normalization
  /// gets copies of its running statistics.
  void run_without_writes(std::vector<c10::IValue>& values);

  /// Constants that switch an operation between training and evaluation ("train", "training", "dropout_p") are those of
  /// the file in training, else off.
  void set_training(bool training);

  /// The values that it reads.
  const std::vector<ValueNumber>& reads() const { return reads_; }

  /// The values whose memory it writes to: the argument of an operation in place; a normalization's running statistics,
  /// which schemas do not mark. Everything else only computes results.
  const std::vector<ValueNumber>& written() const { return written_; }

  /// File and node, for messages.
  const std::string& place() const { return place_; }

 private:
  struct Switch {
    std::size_t argument = 0;
    c10::IValue in_training;
    c10::IValue in_evaluation;
  };

  void plan_arguments(const ExportedNode& node, c10::Device device);
  void plan_argument(const c10::Argument& parameter, const ExportedArgument* given, c10::Device device);
  OperationArgument planned(const c10::TypePtr& type, const ExportedArgument& given, c10::Device device);
  c10::IValue constant_of(const ExportedArgument& given, c10::Device device) const;
  OperationArgument planned_list(const c10::TypePtr& type, const ExportedArgument& given, c10::Device device);
  void find_switches();
  void find_written();
  bool writes_in_place() const;
  bool updates_statistics() const;
  void require_statistics() const;
  void store(std::vector<c10::IValue>& values);
  [[noreturn]] void refuse(const std::string& what) const;

  std::string place_;
  std::optional<c10::OperatorHandle> operation_;
  SizeFunction function_ = nullptr;
  std::vector<OperationArgument> arguments_;
  std::vector<ExportedResult> results_;
  std::vector<ValueNumber> reads_, written_;
  std::vector<Switch> switches_;
  std::optional<std::size_t> batch_statistics_;  // the argument that asks batch_norm for them
  std::vector<c10::IValue> stack_;               // kept for its memory
};

}  // namespace runnel
