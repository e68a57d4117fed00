// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/peer_group.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "runnel_version.h"
#include "runtime/bootstrap/frame.h"
#include "transport/context.h"

namespace runnel {
namespace {

std::string rank_name(int rank) {
  return "rank " + std::to_string(rank);
}

std::vector<std::byte> pack(const Introduction& mine, const Host& host) {
  FrameWriter writer;
  writer.text(mine.runnel_version);
  writer.text(mine.ucx_version);
  writer.text(mine.layout_fingerprint);
  writer.text(mine.device.to_string());
  writer.u32(static_cast<std::uint32_t>(getpid()));
  writer.text(host.name);
  writer.text(host.identity);
  writer.u32(static_cast<std::uint32_t>(host.interfaces.size()));
  for (const NetworkInterface& interface : host.interfaces) {
    writer.text(interface.name);
    writer.u32(interface.address);
    writer.u8(static_cast<std::uint8_t>(interface.prefix_bits));
    writer.u8(interface.loopback ? 1 : 0);
  }
  writer.u32(static_cast<std::uint32_t>(mine.configuration.size()));
  for (const std::string& line : mine.configuration) writer.text(line);
  writer.text(mine.data);
  return writer.seal(FrameKind::introduction);
}

struct Unpacked {
  Introduction introduction;
  Peer peer;
};

Peer peer_of(int rank, int generators) {
  Peer peer;
  peer.rank = rank;
  peer.role = rank < generators ? Role::generator : Role::trainer;
  peer.index = rank < generators ? rank : rank - generators;
  peer.name = rank < generators ? "generator" : "trainer";
  if (rank >= generators || generators > 1) peer.name += " " + std::to_string(peer.index);
  return peer;
}

DeviceId device_of(const std::string& text, int rank) {
  const std::optional<DeviceId> device = DeviceId::from_string(text);
  if (device) return *device;
  throw FrameError("bad introduction from " + rank_name(rank) + ": it computes on \"" + text +
                   "\", which is no device; start the same build on every host");
}

Unpacked unpack(std::span<const std::byte> frame, int rank, int generators) {
  FrameReader reader(frame, FrameKind::introduction, rank_name(rank));
  Unpacked result;
  result.introduction.runnel_version = reader.text();
  result.introduction.ucx_version = reader.text();
  result.introduction.layout_fingerprint = reader.text();
  Peer& peer = result.peer = peer_of(rank, generators);
  peer.device = device_of(reader.text(), rank);
  peer.pid = static_cast<int>(reader.u32());
  peer.host.name = reader.text();
  peer.host.identity = reader.text();
  for (std::uint32_t left = reader.u32(); left > 0; --left) {
    NetworkInterface interface;
    interface.name = reader.text();
    interface.address = reader.u32();
    interface.prefix_bits = std::min<std::uint32_t>(reader.u8(), 32);
    interface.loopback = reader.u8() != 0;
    peer.host.interfaces.push_back(std::move(interface));
  }
  for (std::uint32_t left = reader.u32(); left > 0; --left) result.introduction.configuration.push_back(reader.text());
  result.introduction.data = reader.text();
  reader.finish();
  return result;
}

void require_equal(const std::string& what, const std::string& first, const std::string& other, int rank,
                   const std::string& remedy, ExitStatus status = ExitStatus::protocol_mismatch) {
  if (first == other) return;
  throw RunError(status,
                 what + " differs: rank 0 has " + first + ", " + rank_name(rank) + " has " + other + "; " + remedy);
}

void require_equal_configuration(const std::vector<std::string>& first, const std::vector<std::string>& other,
                                 int rank) {
  const auto [mine, theirs] = std::mismatch(first.begin(), first.end(), other.begin(), other.end());
  if (mine == first.end() && theirs == other.end()) return;
  const auto text = [](auto at, auto end) { return at == end ? std::string("nothing") : "'" + *at + "'"; };
  throw RunError(ExitStatus::bad_configuration, "the configuration differs between ranks: rank 0 has " +
                                                    text(mine, first.end()) + ", " + rank_name(rank) + " has " +
                                                    text(theirs, other.end()) +
                                                    "; give every rank the same file and --set options");
}

void require_agreement(const Introduction& first, const Introduction& other, int rank) {
  require_equal("Runnel's version", first.runnel_version, other.runnel_version, rank,
                "start the same build on every host");
  require_equal("UCX's version", first.ucx_version, other.ucx_version, rank, "install the same UCX on every host");
  require_equal_configuration(first.configuration, other.configuration, rank);
  require_equal("the tensor layout", first.layout_fingerprint, other.layout_fingerprint, rank,
                "every rank must build the same model");
  require_equal("the data set", first.data, other.data, rank, "give every host the same files", ExitStatus::bad_data);
}

std::vector<Peer> peers_in_agreement(const std::vector<std::vector<std::byte>>& frames, int generators) {
  std::vector<Peer> peers;
  Introduction first;
  for (int rank = 0; rank < static_cast<int>(frames.size()); ++rank) {
    Unpacked unpacked = unpack(frames[static_cast<std::size_t>(rank)], rank, generators);
    if (rank == 0)
      first = std::move(unpacked.introduction);
    else
      require_agreement(first, unpacked.introduction, rank);
    peers.push_back(std::move(unpacked.peer));
  }
  return peers;
}

}  // namespace

Introduction make_introduction(const Config& config, const Sha256& layout, const DeviceId& device) {
  Introduction introduction{.device = device,
                            .runnel_version = kVersion,
                            .ucx_version = ucx_version(),
                            .layout_fingerprint = to_hex(layout),
                            .configuration = canonical_lines(config)};
  // Names of files may differ from host to host, but the lead generator can only collect what all processes keep.
  const auto place = [](const std::string& file) { return file.empty() ? "nowhere" : "a file"; };
  introduction.configuration.push_back(std::string("run.trace = ") + place(config.run.trace));
  introduction.configuration.push_back(std::string("run.save = ") + place(config.run.save));
  return introduction;
}

PeerGroup PeerGroup::introduce(Bootstrap& bootstrap, const Introduction& mine, int generators,
                               const Deadline& deadline) {
  const auto frames = bootstrap.all_gather(pack(mine, Host::local()), deadline);
  return {decide_alike(bootstrap, [&] { return peers_in_agreement(frames, generators); }), bootstrap.rank(),
          generators};
}

std::vector<int> PeerGroup::connected_to(int rank) const {
  std::vector<int> ranks;
  const bool trains = at(rank).role == Role::trainer;
  for (const Peer& peer : peers_) {
    const bool other_role = (peer.role == Role::trainer) != trains;
    const bool with_lead = !trains && peer.role == Role::generator && (rank == 0) != (peer.rank == 0);
    if (other_role || with_lead) ranks.push_back(peer.rank);
  }
  return ranks;
}

bool PeerGroup::one_host() const {
  return std::all_of(peers_.begin(), peers_.end(), [this](const Peer& peer) { return same_host(peer, self()); });
}

}  // namespace runnel
