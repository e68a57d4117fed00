// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/digest.h"

#include <nettle/sha2.h>

#include <cstdint>

namespace runnel {

Sha256 sha256(std::span<const std::span<const std::byte>> parts) {
  sha256_ctx context;
  sha256_init(&context);
  for (const auto part : parts) {
    sha256_update(&context, part.size(), reinterpret_cast<const std::uint8_t*>(part.data()));
  }
  Sha256 digest;
  sha256_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

Sha256 sha256(std::span<const std::byte> bytes) {
  return sha256(std::span(&bytes, 1));
}

std::string to_hex(const Sha256& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : digest) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace runnel
