// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/device_id.h"

namespace runnel {

/// The device that a process is to compute on, as the configuration names it: "auto", "cpu", "cuda" or "cuda:K".
class DeviceName {
 public:
  /// "auto".
  DeviceName() = default;

  /// "cpu" or "cuda:K".
  explicit DeviceName(const DeviceId& id) : id_(id) {}

  /// Nothing for another text. K has at most three digits.
  static std::optional<DeviceName> from_string(std::string_view text);

  static DeviceName cpu() { return DeviceName(DeviceId::cpu()); }
  static DeviceName cuda() {
    DeviceName name;
    name.any_cuda_ = true;
    return name;
  }
  static DeviceName cuda(int index) { return DeviceName(DeviceId::cuda(index)); }

  bool is_auto() const { return !id_ && !any_cuda_; }
  bool is_cpu() const { return id_ && id_->is_cpu(); }

  /// K of "cuda:K"; nothing where the process may have any GPU, or none.
  std::optional<int> index() const { return id_ ? id_->index() : std::nullopt; }

  std::string to_string() const;

  bool operator==(const DeviceName&) const = default;

 private:
  std::optional<DeviceId> id_;  // nothing for "auto" and "cuda"
  bool any_cuda_ = false;
};

}  // namespace runnel
