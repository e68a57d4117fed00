// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_word.h"

namespace runnel {
namespace {

constexpr int kCounterBits = 36;
constexpr int kRankBits = 16;
constexpr int kCauseBits = 8;

}  // namespace

std::uint64_t HeartbeatWord::encode() const {
  std::uint64_t word = static_cast<std::uint64_t>(state);
  // Masked: a value that is too large must not change the fields above it.
  const auto append = [&word](int bits, std::uint64_t field) {
    word = (word << bits) | (field & ((std::uint64_t{1} << bits) - 1));
  };
  append(kCauseBits, static_cast<std::uint64_t>(stop.cause));
  append(kRankBits, state == State::alive ? checkpoints : static_cast<std::uint64_t>(stop.rank));
  append(kCounterBits, counter);
  return word;
}

std::optional<HeartbeatWord> HeartbeatWord::decode(std::uint64_t word) {
  const auto take = [&word](int bits) {
    const std::uint64_t field = word & ((std::uint64_t{1} << bits) - 1);
    word >>= bits;
    return field;
  };
  HeartbeatWord decoded;
  decoded.counter = take(kCounterBits);
  const std::uint64_t rank = take(kRankBits);
  const std::uint64_t cause = take(kCauseBits);
  if (cause > static_cast<std::uint64_t>(StopCause::announced) || word > static_cast<std::uint64_t>(State::stopping)) {
    return std::nullopt;
  }
  decoded.stop.cause = static_cast<StopCause>(cause);
  decoded.state = static_cast<State>(word);
  if (decoded.state == State::alive) {
    decoded.checkpoints = static_cast<std::uint16_t>(rank);
  } else {
    decoded.stop.rank = static_cast<int>(rank);
  }
  return decoded;
}

}  // namespace runnel
