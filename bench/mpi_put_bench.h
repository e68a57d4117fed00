// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace runnel {

/// The part of a peer, under MPI: offers a window of `bytes` until rank 0 has finished; bench/mpi_put_bench.cc.
void offer_mpi_window(std::uint64_t bytes);

}  // namespace runnel
