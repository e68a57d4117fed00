// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/connection_offer.h"

#include <string>

#include "runtime/frame.h"
#include "transport/status.h"

namespace runnel {
namespace {

std::vector<std::byte> pack(const ConnectionOffer& offer) {
  FrameWriter writer;
  writer.bytes(offer.data_address);
  writer.bytes(offer.liveness_address);
  writer.bytes(encode(offer.control));
  writer.bytes(encode(offer.heartbeats));
  writer.u8(offer.tensors ? 1 : 0);
  if (offer.tensors) {
    writer.bytes(encode(offer.tensors->gradients));
    writer.bytes(encode(offer.tensors->parameters));
  }
  writer.u8(offer.trace ? 1 : 0);
  if (offer.trace) writer.bytes(encode(*offer.trace));
  return writer.seal(FrameKind::connection);
}

ConnectionOffer unpack(std::span<const std::byte> frame, const std::string& sender) {
  FrameReader reader(frame, FrameKind::connection, sender);
  const auto address = [&] {
    const auto bytes = reader.bytes();
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  ConnectionOffer offer;
  try {
    offer.data_address = address();
    offer.liveness_address = address();
    offer.control = decode_region_descriptor(reader.bytes());
    offer.heartbeats = decode_region_descriptor(reader.bytes());
    if (reader.u8() != 0) {
      ConnectionOffer::Tensors tensors;
      tensors.gradients = decode_region_descriptor(reader.bytes());
      tensors.parameters = decode_region_descriptor(reader.bytes());
      offer.tensors = std::move(tensors);
    }
    if (reader.u8() != 0) offer.trace = decode_region_descriptor(reader.bytes());
  } catch (const TransportError& error) {
    throw FrameError("bad region descriptor from " + sender + ": " + error.what());
  }
  reader.finish();
  return offer;
}

}  // namespace

std::vector<ConnectionOffer> exchange_offers(Bootstrap& bootstrap, const ConnectionOffer& mine,
                                             const Deadline& deadline) {
  std::vector<ConnectionOffer> offers;
  for (const auto& frame : bootstrap.all_gather(pack(mine), deadline)) {
    offers.push_back(unpack(frame, "rank " + std::to_string(offers.size())));
  }
  return offers;
}

const ConnectionOffer::Tensors& require_tensors(const ConnectionOffer& offer, int rank) {
  if (offer.tensors) return *offer.tensors;
  throw FrameError("rank " + std::to_string(rank) + ", a generator, offers no tensors");
}

const RegionDescriptor& require_length(const RegionDescriptor& offered, std::size_t bytes, const char* what, int rank) {
  if (offered.length >= bytes) return offered;  // slabs are whole pages
  throw FrameError("rank " + std::to_string(rank) + " offers " + std::to_string(offered.length) + " bytes of " + what +
                   " memory where the layout needs " + std::to_string(bytes) + "; start the same build on every host");
}

}  // namespace runnel
