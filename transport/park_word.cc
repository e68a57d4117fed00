// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/park_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include "transport/status.h"

namespace runnel {

static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free, "park words are shared between processes");

ParkWord::ParkWord(std::span<std::byte> memory, std::size_t offset) {
  if (offset % kLineBytes != 0) throw TransportError(StatusCode::misaligned, "a park word is not on a line of its own");
  if (memory.size() < kLineBytes || offset > memory.size() - kLineBytes) {
    throw TransportError(StatusCode::out_of_range, "a park word leaves its memory");
  }
  auto* words = reinterpret_cast<std::uint32_t*>(memory.data() + offset);
  sequence_ = words;
  parked_ = words + 1;
}

// The owner stores `parked` and then has the kernel compare `sequence`; a waker raises `sequence` and then loads
// `parked`. Sequential consistency orders the four: a waker that misses the flag has raised the counter in time for the
// kernel to see that it differs from the ticket.
std::uint32_t ParkWord::announce() {
  const std::uint32_t ticket = std::atomic_ref(*sequence_).load(std::memory_order_seq_cst);
  std::atomic_ref(*parked_).store(1, std::memory_order_seq_cst);
  return ticket;
}

void ParkWord::sleep(std::uint32_t ticket, std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec timeout = {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
  // Not FUTEX_PRIVATE: wakers are other processes. Every outcome (woken, raised before, timed out, signal) means the
  // same to the caller: look again.
  syscall(SYS_futex, sequence_, FUTEX_WAIT, ticket, &timeout, nullptr, 0);
}

void ParkWord::retract() {
  std::atomic_ref(*parked_).store(0, std::memory_order_seq_cst);
}

void ParkWord::wake() {
  std::atomic_ref(*sequence_).fetch_add(1, std::memory_order_seq_cst);
  if (std::atomic_ref(*parked_).load(std::memory_order_seq_cst) == 0) return;
  syscall(SYS_futex, sequence_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace runnel
