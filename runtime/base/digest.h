// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct sha256_ctx;  // nettle's

namespace runnel {

using Sha256 = std::array<std::byte, 32>;

/// SHA-256 (FIPS 180-4) of bytes that come one after the other. Any thread, one at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();

  void append(std::span<const std::byte> bytes);

  /// Of all bytes so far; begins anew.
  Sha256 finish();

 private:
  std::unique_ptr<sha256_ctx> context_;
};

/// SHA-256 of the bytes of `parts`, one after the other.
Sha256 sha256(std::span<const std::span<const std::byte>> parts);

Sha256 sha256(std::span<const std::byte> bytes);

/// 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256& digest);

}  // namespace runnel
