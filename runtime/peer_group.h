// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "runtime/bootstrap.h"
#include "runtime/host.h"
#include "transport/deadline.h"

namespace runnel {

enum class Role { generator, trainer };

/// Generators have the ranks 0 … G-1, trainers the ranks after them.
inline constexpr int kGenerators = 1;

/// One process of the job.
struct Peer {
  int rank = 0;
  Role role = Role::generator;
  int index = 0;  ///< among the processes of its role
  int pid = 0;
  std::string device;  ///< "cpu"
  Host host;

  /// "generator", "trainer 1".
  std::string name() const;
};

/// What a process tells all others before any memory is shared, and what all must agree on.
struct Introduction {
  std::string device;
  std::string runnel_version;
  std::string ucx_version;
  std::string layout_fingerprint;
  /// The effective configuration, a "key = value" a line, so that a difference can be named.
  std::vector<std::string> configuration;
};

/// All processes of the job, by rank.
class PeerGroup {
 public:
  /// Collective: exchanges introductions. Throws `RunError` with both sides' values when versions or layouts (76) or
  /// configurations (78) differ, `FrameError` for a frame that is none; each with a text on rank 0 only.
  static PeerGroup introduce(Bootstrap& bootstrap, const Introduction& mine, const Deadline& deadline);

  const Peer& self() const { return peers_[static_cast<std::size_t>(self_)]; }
  const Peer& at(int rank) const { return peers_.at(static_cast<std::size_t>(rank)); }
  const std::vector<Peer>& all() const { return peers_; }
  int trainers() const { return static_cast<int>(peers_.size()) - kGenerators; }
  const Peer& generator() const { return peers_.front(); }
  const Peer& trainer(int index) const { return at(kGenerators + index); }

  bool one_host() const;
  bool same_host(const Peer& a, const Peer& b) const { return a.host.identity == b.host.identity; }

 private:
  PeerGroup(std::vector<Peer> peers, int self) : peers_(std::move(peers)), self_(self) {}

  std::vector<Peer> peers_;
  int self_;
};

}  // namespace runnel
