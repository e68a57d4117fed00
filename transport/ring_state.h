// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include "transport/bell.h"

namespace runnel {

struct EndpointState;
struct Operation;

/// What a RemoteBell and the operations that ring it share. Private to transport/.
struct RingState {
  EndpointState* endpoint = nullptr;
  UcpRkeyHandle key;
  std::uint64_t address = 0;             ///< of the word, in the owner's process
  std::uint64_t* mapped_word = nullptr;  ///< the word mapped here; null when it is not
  std::optional<ParkWord> mapped_park;   ///< likewise
  std::uint64_t latest = 0;              ///< highest value asked for
  std::uint64_t rung = 0;                ///< highest value that is visible at the peer
  Operation* ringer = nullptr;           ///< the operation whose put of the word is in flight
  Operation* waiting = nullptr;          ///< operations with their payload at the peer whose value is not yet
};

}  // namespace runnel
