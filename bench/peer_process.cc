// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/peer_process.h"

#include "bench/exchange_rounds.h"
#include "bench/mpi_put_bench.h"
#include "bench/wiring.h"

namespace runnel {
namespace {

void echo_words(Wiring& wiring) {
  std::uint64_t answered = 0;
  while (true) {
    wiring.poll_until([&] { return wiring.word(0) != answered || wiring.ended_by_rank_0(); });
    const std::uint64_t word = wiring.word(0);
    if (word == answered) return;
    if (word != answered + 1) throw RunError(ExitStatus::internal, "a word came out of order; this is a bug");
    wiring.put_word(0, answered = word);
  }
}

void echo_bells(Wiring& wiring) {
  std::uint64_t answered = Wiring::kHello;
  while (true) {
    wiring.wait_until([&] { return wiring.bell(0) != answered; });
    answered = wiring.bell(0);
    if (wiring.ended_by_rank_0()) return;
    wiring.ring(0, answered);
  }
}

/// With the processes wired as the order says.
void follow(Job& job, const Order& order) {
  Wiring wiring(job, order);
  if (wiring.partners() == 0) return wiring.disconnect(true);
  switch (order.task) {
    case Task::echo_words:
      echo_words(wiring);
      return wiring.disconnect(true);
    case Task::echo_bells:
      echo_bells(wiring);
      return wiring.disconnect(wiring.payload_is_right());
    case Task::provide:
      wiring.fill_payload();
      wiring.ring(0, Wiring::kReady);
      wiring.poll_until([&] { return wiring.ended_by_rank_0(); });
      return wiring.disconnect(true);
    default:
      wiring.poll_until([&] { return wiring.ended_by_rank_0(); });
      return wiring.disconnect(wiring.payload_is_right());
  }
}

}  // namespace

void follow_orders(Job& job) {
  for (;;) {
    const Order order = job.next();
    switch (order.task) {
      case Task::end:
        return job.finish();
      case Task::exchange:
      case Task::sleep_before_push:
        take_part_in_exchange(job, order);
        break;
      case Task::mpi_put:
        offer_mpi_window(order.bytes);
        break;
      default:
        try {
          follow(job, order);
        } catch (const Impossible&) {
          // Rank 0 reports it.
        }
    }
  }
}

}  // namespace runnel
