// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "runtime/bootstrap/peer_group.h"
#include "runtime/client/trainer_client.h"
#include "runtime/config/config.h"
#include "runtime/generator/generator.h"
#include "runtime/launch/launch_place.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/compute/trained_model.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/run/registry.h"
#include "trainer/torch/placement.h"

namespace runnel {

/// Throws `RunError` (78) when this host lacks the network interface that the job asks for.
void check_interfaces(const Config& config);

/// Throws `RunError` (78) when the job asks for a device that this host does not have.
void check_devices(const Config& config);

/// Begins a rank's work: names it in its log lines, sets LibTorch's threads, and checks this host. Throws `RunError` as
/// `check_interfaces`.
void start_rank(const Config& config, const LaunchPlace& place);

/// A process of a job: its device and model, and its connections. The first `generator.count` ranks are generators, the
/// others trainers. Thread: the main thread.
class JobRank {
 public:
  /// What to do with each side of the exchange.
  struct Roles {
    std::function<void(Generator&, const PeerGroup&)> generate;
    std::function<void(TrainerClient&)> train;
  };

  /// Times of `connect`.
  struct Seconds {
    double mpi_init = 0;  ///< part of `bootstrap`
    double bootstrap = 0;
  };

  /// Takes a device and makes the model on it, a generator's on the CPU, with the values to start from. The arguments
  /// outlive this. Throws `RunError`.
  JobRank(const Config& config, const Registry& registry, const LaunchPlace& place);

  bool generates() const { return place_.rank < generators_; }

  /// Whether this is the first generator, which alone collects tests, reports and saves.
  bool leads() const { return place_.rank == 0; }

  /// Index of this trainer; not for a generator.
  std::size_t trainer() const { return static_cast<std::size_t>(place_.rank - generators_); }

  TrainedModel& model() { return model_; }
  const BucketLayout& layout() const { return layout_; }
  const Seconds& seconds() const { return seconds_; }

  /// Meets the other ranks by MPI, which is finalized before the role of this process begins, and connects with them.
  /// `data`: what tells the samples from others, which like `start` must be the same for all ranks. Throws `RunError`,
  /// `TransportError`, `BootstrapError`, and what the role throws.
  void connect(const std::string& data, const RunStart& start, const Roles& roles);

 private:
  const Config& config_;
  const LaunchPlace& place_;
  int generators_;
  StartedDevice device_;
  KernelChoice kernels_;
  TrainedModel model_;
  BucketLayout layout_;
  Seconds seconds_;
};

}  // namespace runnel
