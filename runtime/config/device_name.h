// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runnel {

/// The device that a process is to compute on, as the configuration names it: "auto", "cpu", "cuda" or "cuda:K".
class DeviceName {
 public:
  /// "auto".
  DeviceName() = default;

  /// Nothing for another text. K has at most three digits.
  static std::optional<DeviceName> from_string(std::string_view text);

  static DeviceName cpu() { return DeviceName(Kind::cpu); }
  static DeviceName cuda() { return DeviceName(Kind::cuda); }
  static DeviceName cuda(int index) { return {Kind::cuda, index}; }

  bool is_auto() const { return kind_ == Kind::automatic; }
  bool is_cpu() const { return kind_ == Kind::cpu; }

  /// K of "cuda:K"; nothing where the process may have any GPU, or none.
  std::optional<int> index() const { return index_; }

  std::string to_string() const;

  bool operator==(const DeviceName&) const = default;

 private:
  enum class Kind { automatic, cpu, cuda };

  DeviceName(Kind kind, std::optional<int> index = std::nullopt) : kind_(kind), index_(index) {}

  Kind kind_ = Kind::automatic;
  std::optional<int> index_;
};

}  // namespace runnel
