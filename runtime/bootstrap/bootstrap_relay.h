// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/bootstrap_local.h"

/// Brings generators into a job that has a bootstrap between its trainers only, such as a store of torch.distributed or
/// mpi4py. The first trainer of each host, its keeper, starts generators there and meets them in a `LocalBootstrap`, as
/// rank 0 of that; it passes on what they and the trainers give. In the whole job the generators have the first ranks.
namespace runnel {

/// The keeper of each of `generators`, which are dealt to the hosts in the order of their first trainers, round by
/// round. `hosts`: that of each trainer.
std::vector<int> deal_generators(const std::vector<std::string>& hosts, int generators);

/// A trainer's place in such a job. Thread: the one that made it.
class RelayHost final : public Bootstrap {
 public:
  /// `trainers`: between all trainers. `own`: between a keeper and its generators, else null. `keepers`: of
  /// `deal_generators`, in all trainers the same.
  RelayHost(std::unique_ptr<Bootstrap> trainers, std::unique_ptr<LocalBootstrap> own, std::vector<int> keepers);

  int rank() const override { return generators() + trainers_->rank(); }
  int size() const override { return generators() + trainers_->size(); }

  /// Throws also `FrameError` for what another trainer gives that is no relayed frame.
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

 private:
  int generators() const { return static_cast<int>(keepers_.size()); }

  std::unique_ptr<Bootstrap> trainers_;
  std::unique_ptr<LocalBootstrap> own_;
  std::vector<int> keepers_;
};

/// A generator's place in such a job. Thread: the one that made it.
class RelayGuest final : public Bootstrap {
 public:
  /// `place`: among the keeper and its generators. `rank`, `size`: in the whole job. Throws `BootstrapError`.
  RelayGuest(const LocalPlace& place, int rank, int size, const Deadline& deadline);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

 private:
  LocalBootstrap keeper_;
  int rank_;
  int size_;
};

}  // namespace runnel
