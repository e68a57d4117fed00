// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runnel {

/// The device that a process computes on: the CPU or one GPU. Its text, "cpu" or "cuda:K", is for frames and output.
class DeviceId {
 public:
  /// The CPU.
  DeviceId() = default;

  /// Nothing for another text. K has one to three digits.
  static std::optional<DeviceId> from_string(std::string_view text);

  static DeviceId cpu() { return {}; }
  static DeviceId cuda(int index) { return DeviceId(index); }

  bool is_cpu() const { return !index_; }

  /// K of "cuda:K"; nothing for the CPU.
  std::optional<int> index() const { return index_; }

  /// In the header for the module for CUDA, which is linked without this library.
  std::string to_string() const { return is_cpu() ? "cpu" : "cuda:" + std::to_string(*index_); }

  bool operator==(const DeviceId&) const = default;

 private:
  explicit DeviceId(int index) : index_(index) {}

  std::optional<int> index_;
};

}  // namespace runnel
