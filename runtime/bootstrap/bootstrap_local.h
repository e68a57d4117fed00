// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "transport/owned_fd.h"

namespace runnel {

/// A process's place in a group on one host: its rank, the group's size, and the name of the socket where they meet.
struct LocalPlace {
  int rank = 0;
  int size = 1;
  std::string socket;  ///< in the abstract namespace: nothing is left behind in the file system

  /// Rank 0 of a new group with a name that nobody else has.
  static LocalPlace fresh(int size);

  /// The place that `environment_of` gave this process, which dies with its parent from here on; nothing when it was
  /// started otherwise. Ends the process when the one that made the group is gone already.
  static std::optional<LocalPlace> from_environment();

  LocalPlace with_rank(int other) const { return {other, size, socket}; }
};

/// The environment of the process at `place`: this process's own, what UCX must find at start, and `environment` (name,
/// value) on top; each as NAME=value.
std::vector<std::string> environment_of(const LocalPlace& place,
                                        const std::vector<std::pair<std::string, std::string>>& environment = {});

/// Starts `argv` (argv[0] is looked up in PATH) as the process at `place`, with the environment of `environment_of`.
/// Returns its process id. Throws `BootstrapError`.
pid_t start_process(const LocalPlace& place, const std::vector<std::string>& argv,
                    const std::vector<std::pair<std::string, std::string>>& environment = {});

/// Bootstrap between processes on one host over Unix sockets, a star through rank 0; needs no MPI.
class LocalBootstrap final : public Bootstrap {
 public:
  /// Meets the group: rank 0 opens the socket, the others connect, in any order of arrival. Only processes of the same
  /// user are let in.
  /// `meanwhile` is called while others have not come. Throws `BootstrapError`, naming the ranks that did not come by
  /// the deadline.
  LocalBootstrap(const LocalPlace& place, const Deadline& deadline, const Meanwhile& meanwhile = {});

  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

 private:
  void accept_all(const Deadline& deadline, const Meanwhile& meanwhile);
  void connect_to_root(const Deadline& deadline, const Meanwhile& meanwhile);
  std::string missing_ranks() const;

  LocalPlace place_;
  std::vector<OwnedFd> sockets_;  // rank 0: one to each rank, none at its own; others: one, to rank 0
};

}  // namespace runnel
