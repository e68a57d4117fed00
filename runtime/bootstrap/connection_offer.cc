// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/connection_offer.h"

#include <string>

#include "runtime/bootstrap/frame.h"
#include "transport/status.h"

namespace runnel {
namespace {

void write(FrameWriter& writer, const std::optional<ConnectionOffer::Tensors>& tensors) {
  writer.u8(tensors ? 1 : 0);
  if (!tensors) return;
  writer.bytes(encode(tensors->gradients));
  writer.bytes(encode(tensors->parameters));
}

std::optional<ConnectionOffer::Tensors> read_tensors(FrameReader& reader) {
  if (reader.u8() == 0) return std::nullopt;
  ConnectionOffer::Tensors tensors;
  tensors.gradients = decode_region_descriptor(reader.bytes());
  tensors.parameters = decode_region_descriptor(reader.bytes());
  return tensors;
}

void write(FrameWriter& writer, const std::optional<RegionDescriptor>& region) {
  writer.u8(region ? 1 : 0);
  if (region) writer.bytes(encode(*region));
}

std::optional<RegionDescriptor> read_region(FrameReader& reader) {
  if (reader.u8() == 0) return std::nullopt;
  return decode_region_descriptor(reader.bytes());
}

std::vector<std::byte> pack(const ConnectionOffer& offer) {
  FrameWriter writer;
  writer.bytes(offer.data_address);
  writer.bytes(offer.liveness_address);
  writer.bytes(encode(offer.control));
  writer.bytes(encode(offer.heartbeats));
  write(writer, offer.tensors);
  write(writer, offer.device_tensors);
  write(writer, offer.trace);
  write(writer, offer.states);
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
    offer.tensors = read_tensors(reader);
    offer.device_tensors = read_tensors(reader);
    offer.trace = read_region(reader);
    offer.states = read_region(reader);
  } catch (const TransportError& error) {
    throw FrameError("bad region descriptor from " + sender + ": " + error.what());
  }
  reader.finish();
  return offer;
}

}  // namespace

std::vector<ConnectionOffer> exchange_offers(Bootstrap& bootstrap, const ConnectionOffer& mine,
                                             const Deadline& deadline, const Meanwhile& meanwhile) {
  std::vector<ConnectionOffer> offers;
  for (const auto& frame : bootstrap.all_gather(pack(mine), deadline, meanwhile)) {
    offers.push_back(unpack(frame, "rank " + std::to_string(offers.size())));
  }
  return offers;
}

const ConnectionOffer::Tensors& require_tensors(const ConnectionOffer& offer, MemoryPlace place, int rank) {
  const auto& tensors = place == MemoryPlace::device ? offer.device_tensors : offer.tensors;
  if (tensors) return *tensors;
  throw FrameError("rank " + std::to_string(rank) + ", a generator, offers no tensors in the memory of its " +
                   (place == MemoryPlace::device ? "device" : "host"));
}

const RegionDescriptor& require_length(const RegionDescriptor& offered, std::size_t bytes, const char* what, int rank) {
  if (offered.length >= bytes) return offered;  // slabs are whole pages
  throw FrameError("rank " + std::to_string(rank) + " offers " + std::to_string(offered.length) + " bytes of " + what +
                   " memory where the layout needs " + std::to_string(bytes) + "; start the same build on every host");
}

}  // namespace runnel
