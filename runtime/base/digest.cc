// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/digest.h"

#include <nettle/sha2.h>

#include <cstdint>

namespace runnel {

Sha256Stream::Sha256Stream() : context_(std::make_unique<sha256_ctx>()) {
  sha256_init(context_.get());
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::append(std::span<const std::byte> bytes) {
  sha256_update(context_.get(), bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

Sha256 Sha256Stream::finish() {
  Sha256 digest;
  sha256_digest(context_.get(), digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

Sha256 sha256(std::span<const std::span<const std::byte>> parts) {
  Sha256Stream stream;
  for (const auto part : parts) stream.append(part);
  return stream.finish();
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
