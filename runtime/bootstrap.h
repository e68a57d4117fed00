// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

#include "transport/deadline.h"

namespace runnel {

/// The exchange between processes failed; the message names the rank that is missing where it is known.
class BootstrapError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What processes need of each other once, before UCX connects them: who they are, and an exchange of bytes.
///
/// Collective calls are made by all ranks in the same order. Thread: the one that made it.
class Bootstrap {
 public:
  virtual ~Bootstrap() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Every rank's `mine`, by rank; lengths may differ. Throws `BootstrapError` when a rank is gone or the deadline
  /// passes.
  virtual std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline) = 0;

  /// Returns when all ranks have called it. Throws as `all_gather`.
  virtual void barrier(const Deadline& deadline) = 0;
};

}  // namespace runnel
