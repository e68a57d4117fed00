// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_relay.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "runtime/bootstrap/frame.h"

namespace runnel {
namespace {

using Blobs = std::vector<std::vector<std::byte>>;

std::vector<std::byte> pack(const Blobs& blobs) {
  FrameWriter writer;
  writer.u32(static_cast<std::uint32_t>(blobs.size()));
  for (const auto& blob : blobs) writer.bytes(blob);
  return writer.seal(FrameKind::relay);
}

Blobs unpack(std::span<const std::byte> frame, std::size_t expected, const std::string& sender) {
  FrameReader reader(frame, FrameKind::relay, sender);
  if (const std::uint32_t count = reader.u32(); count != expected) {
    throw FrameError("bad frame from " + sender + ": it relays " + std::to_string(count) + " contributions, expected " +
                     std::to_string(expected) + "; give every trainer the same number of generators");
  }
  Blobs blobs;
  for (std::size_t i = 0; i < expected; ++i) {
    const auto blob = reader.bytes();
    blobs.emplace_back(blob.begin(), blob.end());
  }
  reader.finish();
  return blobs;
}

/// What all ranks give, from what each trainer relays.
Blobs in_order_of_ranks(const Blobs& frames, const std::vector<int>& keepers) {
  Blobs all(keepers.size() + frames.size());
  for (std::size_t trainer = 0; trainer < frames.size(); ++trainer) {
    std::vector<std::size_t> ranks;  // that it relays
    for (std::size_t rank = 0; rank < keepers.size(); ++rank) {
      if (keepers[rank] == static_cast<int>(trainer)) ranks.push_back(rank);
    }
    ranks.push_back(keepers.size() + trainer);
    Blobs relayed = unpack(frames[trainer], ranks.size(), "trainer " + std::to_string(trainer));
    for (std::size_t i = 0; i < ranks.size(); ++i) all[ranks[i]] = std::move(relayed[i]);
  }
  return all;
}

}  // namespace

std::vector<int> deal_generators(const std::vector<std::string>& hosts, int generators) {
  std::vector<int> first;  // trainer of each host
  for (auto host = hosts.begin(); host != hosts.end(); ++host) {
    if (std::find(hosts.begin(), host, *host) == host) first.push_back(static_cast<int>(host - hosts.begin()));
  }
  std::vector<int> keepers(static_cast<std::size_t>(generators));
  for (std::size_t i = 0; i < keepers.size(); ++i) keepers[i] = first[i % first.size()];
  return keepers;
}

RelayHost::RelayHost(std::unique_ptr<Bootstrap> trainers, std::unique_ptr<LocalBootstrap> own, std::vector<int> keepers)
    : trainers_(std::move(trainers)), own_(std::move(own)), keepers_(std::move(keepers)) {}

Blobs RelayHost::all_gather(std::span<const std::byte> mine, const Deadline& deadline, const Meanwhile& meanwhile) {
  Blobs relayed;  // its generators' by rank, then this trainer's
  if (own_ != nullptr) {
    relayed = own_->all_gather({}, deadline, meanwhile);
    relayed.erase(relayed.begin());
  }
  relayed.emplace_back(mine.begin(), mine.end());
  Blobs all = in_order_of_ranks(trainers_->all_gather(pack(relayed), deadline, meanwhile), keepers_);
  if (own_ != nullptr) own_->all_gather(pack(all), deadline, meanwhile);
  return all;
}

void RelayHost::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  all_gather({}, deadline, meanwhile);
}

RelayGuest::RelayGuest(const LocalPlace& place, int rank, int size, const Deadline& deadline)
    : keeper_(place, deadline), rank_(rank), size_(size) {}

Blobs RelayGuest::all_gather(std::span<const std::byte> mine, const Deadline& deadline, const Meanwhile& meanwhile) {
  keeper_.all_gather(mine, deadline, meanwhile);
  const Blobs all = keeper_.all_gather({}, deadline, meanwhile);
  return unpack(all.front(), static_cast<std::size_t>(size()), "the first trainer of this host");
}

void RelayGuest::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  all_gather({}, deadline, meanwhile);
}

}  // namespace runnel
