// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_thread.h"

#include <sys/eventfd.h>

#include <exception>
#include <future>
#include <optional>

#include "runtime/base/start_thread.h"
#include "runtime/liveness/heartbeat_loop.h"

namespace runnel {
namespace {

constexpr std::chrono::milliseconds kFarewellTime{1000};

}  // namespace

HeartbeatThread::HeartbeatThread(Context& context, const PeerGroup& group, Callbacks callbacks)
    : callbacks_(std::move(callbacks)),
      command_fd_(OwnedFd::checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  std::promise<void> made;
  thread_ = start_thread("heartbeats", [&, this] {
    std::optional<Loop> loop;
    try {
      loop.emplace(*this, context, group);
    } catch (...) {
      made.set_exception(std::current_exception());
      return;
    }
    made.set_value();
    loop->run();
  });
  try {
    made.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

HeartbeatThread::~HeartbeatThread() {
  ending_.store(true);
  eventfd_write(command_fd_.get(), 1);
  thread_.join();
}

void HeartbeatThread::add_to(ConnectionOffer& offer) const {
  offer.liveness_address = offer_.liveness_address;
  offer.heartbeats = offer_.heartbeats;
}

void HeartbeatThread::start(const std::vector<ConnectionOffer>& offers) {
  offers_ = offers;
  started_.store(true);
  eventfd_write(command_fd_.get(), 1);
}

void HeartbeatThread::say_farewell(Farewell farewell) {
  if (!started_.load()) return;
  farewell_.store(farewell);
  const auto deadline = Deadline::after(kFarewellTime);
  while (!farewell_said_.load() && !deadline.expired()) {
    eventfd_write(command_fd_.get(), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace runnel
