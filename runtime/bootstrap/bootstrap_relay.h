// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/bootstrap_local.h"

/// Brings generators into a job that has a bootstrap between its trainers only, such as a store of torch.distributed or
/// mpi4py. The first trainer starts the generators on its host and meets them in a `LocalBootstrap`, as rank 0 of that;
/// it passes on what they and the trainers give. In the whole job the generators have the first ranks.
namespace runnel {

/// A trainer's place in such a job. Thread: the one that made it.
class RelayHost final : public Bootstrap {
 public:
  /// `trainers`: between all trainers. `generators`: of the first trainer, else null. `count`: of generators.
  RelayHost(std::unique_ptr<Bootstrap> trainers, std::unique_ptr<LocalBootstrap> generators, int count);

  int rank() const override { return count_ + trainers_->rank(); }
  int size() const override { return count_ + trainers_->size(); }

  /// Throws also `FrameError` for what another trainer gives that is no relayed frame.
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

 private:
  std::unique_ptr<Bootstrap> trainers_;
  std::unique_ptr<LocalBootstrap> generators_;
  int count_;
};

/// A generator's place in such a job. Thread: the one that made it.
class RelayGuest final : public Bootstrap {
 public:
  /// `place`: among the first trainer and its generators. `trainers`: how many there are. Throws `BootstrapError`.
  RelayGuest(const LocalPlace& place, int trainers, const Deadline& deadline);

  int rank() const override { return host_.rank() - 1; }
  int size() const override { return host_.size() - 1 + trainers_; }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

 private:
  LocalBootstrap host_;
  int trainers_;
};

}  // namespace runnel
