// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/waiter.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

namespace runnel {
namespace {

// Enough for a peer that answers at once; more only takes the core from the process that is waited for.
constexpr unsigned kSpins = 200;
constexpr unsigned kYields = 8;

// How long a park lasts at most where peers wake: only bounds how late UCX's keepalive and a peer's death are noticed.
constexpr std::chrono::milliseconds kWakingCap{50};

/// The same where a peer writes silently, which is noticed no sooner than the park ends: that adds to the latency of a
/// step. So parks grow with the wait that they are part of, and are never more than a thirtieth of it beyond the first
/// millisecond: parks of 1 ms for ever would cost an idle process 2 % of a core.
std::chrono::milliseconds silent_cap(unsigned parks) {
  constexpr unsigned kParksOfALength = 64;
  return std::chrono::milliseconds(1U << std::min(parks / kParksOfALength, 3U));
}

void add(int epoll_fd, int fd) {
  epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) return;
  throw TransportError(StatusCode::out_of_memory, std::string("epoll_ctl: ") + std::strerror(errno));
}

}  // namespace

Waiter::Waiter(Worker& worker, const ParkWord& park_word, ParkOn park_on)
    : worker_(worker),
      park_word_(park_word),
      park_on_(park_on),
      interrupt_fd_(OwnedFd::checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      epoll_fd_(OwnedFd::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  add(epoll_fd_.get(), interrupt_fd_.get());
  add(epoll_fd_.get(), worker.event_fd());
}

void Waiter::interrupt() {
  interrupted_.store(true, std::memory_order_release);
  park_word_.wake();
  const std::uint64_t one = 1;
  // Fails only when the descriptor is readable already.
  [[maybe_unused]] const ssize_t written = write(interrupt_fd_.get(), &one, sizeof one);
}

bool Waiter::must_park(Backoff& backoff) const {
  if (worker_.events() != backoff.events) backoff = start();
  ++backoff.polls;
  if (backoff.polls > kSpins + kYields) return true;
  if (backoff.polls > kSpins) std::this_thread::yield();
  return false;
}

// Announcing while sleeping on events would only cost each mapped ringer a system call that wakes nobody.
std::uint32_t Waiter::announce() {
  return park_on_ == ParkOn::park_word ? park_word_.announce() : 0;
}

void Waiter::retract() {
  if (park_on_ == ParkOn::park_word) park_word_.retract();
}

void Waiter::sleep(std::uint32_t ticket, unsigned parks, const Deadline& deadline) {
  const auto cap = park_on_ == ParkOn::capped_events ? silent_cap(parks) : kWakingCap;
  const auto time = std::min<Deadline::Clock::duration>(deadline.remaining(), cap);
  if (park_on_ == ParkOn::park_word) return park_word_.sleep(ticket, time);
  if (!worker_.arm().ok()) return;  // there is work to progress first
  epoll_event event;
  epoll_wait(epoll_fd_.get(), &event, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count()));
}

}  // namespace runnel
