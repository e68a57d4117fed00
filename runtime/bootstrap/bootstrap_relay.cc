// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_relay.h"

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

}  // namespace

RelayHost::RelayHost(std::unique_ptr<Bootstrap> trainers, std::unique_ptr<LocalBootstrap> generators, int count)
    : trainers_(std::move(trainers)), generators_(std::move(generators)), count_(count) {}

Blobs RelayHost::all_gather(std::span<const std::byte> mine, const Deadline& deadline, const Meanwhile& meanwhile) {
  Blobs relayed;  // the generators' by rank, then this trainer's
  if (generators_ != nullptr) {
    relayed = generators_->all_gather({}, deadline, meanwhile);
    relayed.erase(relayed.begin());
  }
  relayed.emplace_back(mine.begin(), mine.end());
  const Blobs frames = trainers_->all_gather(pack(relayed), deadline, meanwhile);
  Blobs all;
  for (std::size_t trainer = 0; trainer < frames.size(); ++trainer) {
    const std::size_t expected = trainer == 0 ? static_cast<std::size_t>(count_) + 1 : 1;
    for (auto& blob : unpack(frames[trainer], expected, "trainer " + std::to_string(trainer))) {
      all.push_back(std::move(blob));
    }
  }
  if (generators_ != nullptr) generators_->all_gather(pack(all), deadline, meanwhile);
  return all;
}

void RelayHost::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  all_gather({}, deadline, meanwhile);
}

RelayGuest::RelayGuest(const LocalPlace& place, int trainers, const Deadline& deadline)
    : host_(place, deadline), trainers_(trainers) {}

Blobs RelayGuest::all_gather(std::span<const std::byte> mine, const Deadline& deadline, const Meanwhile& meanwhile) {
  host_.all_gather(mine, deadline, meanwhile);
  const Blobs all = host_.all_gather({}, deadline, meanwhile);
  return unpack(all.front(), static_cast<std::size_t>(size()), "the first trainer");
}

void RelayGuest::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  all_gather({}, deadline, meanwhile);
}

}  // namespace runnel
