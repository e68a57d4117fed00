// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "bench/job.h"

namespace runnel {

/// The main function of a peer: executes rank 0's orders until the last one.
///
/// | task | what a peer does until rank 0 ends the measurement |
/// |---|---|
/// | receive | polls; then reports whether the payload holds the pattern |
/// | provide | fills the payload with the pattern, rings that it is ready, and polls |
/// | echo_words | answers each word that is put here by a put of the same word |
/// | echo_bells | waits as a run does, answers each bell by a ring of the same value; then as receive |
/// | exchange, sleep_before_push | a trainer's part: bench/exchange_rounds.h |
/// | mpi_put | offers a window: bench/mpi_put_bench.h |
void follow_orders(Job& job);

}  // namespace runnel
