// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/job.h"

#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/launch/launch_place.h"

namespace runnel {
namespace {

constexpr std::chrono::seconds kIntroductionTime{30};
constexpr std::chrono::seconds kEndTime{2};

// Rank 0 may measure by itself for long: a peer's death with its parent is what ends a wait that nobody answers.
constexpr std::chrono::hours kOrderTime{1};

std::vector<std::byte> to_bytes(const Order& order) {
  std::vector<std::byte> bytes(sizeof order);
  std::memcpy(bytes.data(), &order, sizeof order);
  return bytes;
}

}  // namespace

Job::Job(Config config, std::vector<std::string> argv) : config_(std::move(config)), argv_(std::move(argv)) {
  if (LaunchPlace::from_environment()) {
    end_with_parent();
    // MPI as fast as it can be: a peer to measure against here, not the bootstrap that it is elsewhere.
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "cma", 0);
    bootstrap_ = &mpi_.emplace(Deadline::after(kIntroductionTime));
    update_group();
  } else if (const auto place = LocalPlace::from_environment()) {
    local_ = std::make_unique<LocalBootstrap>(*place, Deadline::after(kIntroductionTime));
    bootstrap_ = local_.get();
    update_group();
  }
}

Job::~Job() {
  end_peers();
}

std::optional<int> Job::fixed_peers() const {
  if (!mpi_) return std::nullopt;
  return mpi_->size() - 1;
}

void Job::update_group() {
  rank_ = bootstrap_->rank();
  group_ = introduce(DeviceId::cpu());
}

PeerGroup Job::introduce(const DeviceId& device) {
  return PeerGroup::introduce(*bootstrap_, make_introduction(config_, {}, device),
                              static_cast<int>(config_.generator.count), Deadline::after(kIntroductionTime));
}

void Job::send(const Order& order) {
  if (fixed_peers().value_or(order.peers) < order.peers) {
    throw Impossible("needs " + std::to_string(order.peers) + " peers: start " + std::to_string(order.peers + 1) +
                     " ranks, or the program without mpirun");
  }
  if (!mpi_) start_peers(order.peers);
  bootstrap_->all_gather(to_bytes(order), Deadline::after(kIntroductionTime));
}

Order Job::next() {
  std::vector<std::vector<std::byte>> gathered;
  try {
    gathered = bootstrap_->all_gather({}, Deadline::after(kOrderTime));
  } catch (const BootstrapError&) {
    if (mpi_) throw;
    return {.task = Task::end};  // rank 0 has closed its socket: it needs no peers any more, or others
  }
  Order order;
  if (gathered[0].size() != sizeof order) throw BootstrapError("rank 0 sent something else than an order");
  std::memcpy(&order, gathered[0].data(), sizeof order);
  return order;
}

void Job::start_peers(int peers) {
  if (static_cast<int>(children_.size()) == peers) return;
  end_peers();
  const LocalPlace place = LocalPlace::fresh(peers + 1);
  for (int rank = 1; rank <= peers; ++rank) children_.push_back(start_process(place.with_rank(rank), argv_));
  local_ = std::make_unique<LocalBootstrap>(place, Deadline::after(kIntroductionTime));
  bootstrap_ = local_.get();
  update_group();
}

void Job::end_peers() {
  bootstrap_ = nullptr;
  local_.reset();  // a peer that waits for an order ends when rank 0's socket closes
  const Deadline deadline = Deadline::after(kEndTime);
  for (const pid_t child : std::exchange(children_, {})) {
    while (waitpid(child, nullptr, WNOHANG) == 0) {
      if (deadline.expired()) kill(child, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

void Job::finish() {
  if (!mpi_) return;
  if (!is_peer()) send({.task = Task::end, .peers = 0});
  mpi_->finalize();
}

}  // namespace runnel
