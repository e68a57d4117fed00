// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_mailbox.h"

#include <sys/eventfd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "transport/deadline.h"

namespace runnel {
namespace {

constexpr std::chrono::milliseconds kFarewellTime{1000};

}  // namespace

HeartbeatMailbox::HeartbeatMailbox(Callbacks callbacks)
    : callbacks_(std::move(callbacks)), fd_(OwnedFd::checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void HeartbeatMailbox::connect(std::vector<ConnectionOffer> offers) {
  offers_ = std::move(offers);
  connecting_.store(true);
  ring();
}

void HeartbeatMailbox::send_farewell(Farewell farewell, StopCause failure) {
  if (!connecting_.load()) return;
  failure_.store(failure);
  farewell_.store(farewell);
  const auto deadline = Deadline::after(kFarewellTime);
  while (!farewell_sent_.load() && !deadline.expired()) {
    ring();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void HeartbeatMailbox::take_wishes(bool takes) {
  takes_wishes_.store(takes);
  ring();
}

void HeartbeatMailbox::end() {
  ending_.store(true);
  ring();
}

void HeartbeatMailbox::clear_fd() const {
  eventfd_t ignored = 0;
  (void)eventfd_read(fd(), &ignored);
}

void HeartbeatMailbox::ring() const {
  (void)eventfd_write(fd(), 1);
}

}  // namespace runnel
