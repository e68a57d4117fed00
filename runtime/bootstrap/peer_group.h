// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "runtime/base/device_id.h"
#include "runtime/base/digest.h"
#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/host.h"
#include "runtime/config/config.h"
#include "transport/deadline.h"

namespace runnel {

enum class Role { generator, trainer };

/// One process of the job.
struct Peer {
  int rank = 0;
  Role role = Role::generator;
  int index = 0;  ///< among the processes of its role
  int pid = 0;
  DeviceId device;  ///< that it computes on
  Host host;

  std::string name;  ///< "generator" or, of several, "generator 1"; "trainer 1"

  /// Whether its tensors lie in a device's memory.
  bool has_device() const { return !device.is_cpu(); }
};

/// What a process sends to all others before any memory is shared, and what all must agree on.
struct Introduction {
  DeviceId device;
  std::string runnel_version;
  std::string ucx_version;
  std::string layout_fingerprint;
  /// The effective configuration, a "key = value" a line, so that a difference can be named.
  std::vector<std::string> configuration;
  std::string data = {};  ///< one line about the samples, which differs for others
};

/// This process's introduction to a job of `config`, with the versions in this process. `layout`: fingerprint of the
/// tensors. `device` as in `Peer`.
Introduction make_introduction(const Config& config, const Sha256& layout, const DeviceId& device);

/// All processes of the job, by rank.
class PeerGroup {
 public:
  /// Collective: exchanges introductions. The ranks 0 … `generators` - 1 are generators, those after them trainers; at
  /// least one of each. Throws `RunError` with both sides' values when versions or layouts (76) or
  /// configurations (78) or data (65) differ, `FrameError` for a frame that is none or names no device; each with a
  /// text on rank 0 only.
  static PeerGroup introduce(Bootstrap& bootstrap, const Introduction& mine, int generators, const Deadline& deadline);

  const Peer& self() const { return peers_[static_cast<std::size_t>(self_)]; }
  const Peer& at(int rank) const { return peers_.at(static_cast<std::size_t>(rank)); }
  const std::vector<Peer>& all() const { return peers_; }
  int generators() const { return generators_; }
  int trainers() const { return static_cast<int>(peers_.size()) - generators_; }
  const Peer& generator(int index) const { return at(index); }
  const Peer& trainer(int index) const { return at(generators_ + index); }

  /// The generator that keeps the account of the run: trainers send it the records of their steps and tests.
  const Peer& lead() const { return generator(0); }
  bool is_lead() const { return self_ == 0; }

  /// The ranks that a process is connected to, in an order that all agree on: a trainer to every generator, a generator
  /// to every trainer, and the lead to the other generators.
  std::vector<int> connected_to(int rank) const;

  bool one_host() const;
  bool same_host(const Peer& a, const Peer& b) const { return a.host.identity == b.host.identity; }

 private:
  PeerGroup(std::vector<Peer> peers, int self, int generators)
      : peers_(std::move(peers)), self_(self), generators_(generators) {}

  std::vector<Peer> peers_;
  int self_;
  int generators_;
};

}  // namespace runnel
