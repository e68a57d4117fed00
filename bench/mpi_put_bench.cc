// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What does MPI_Put with passive targets reach where a put of ours was measured? Only under mpirun.
#include "bench/mpi_put_bench.h"

#include <benchmark/benchmark.h>
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include "bench/suite.h"

namespace runnel {
namespace {

constexpr int kTarget = 1;
constexpr unsigned char kByte = 0x5a;

/// Memory of MPI's own that every rank may write to: the fastest that it has. Collective over all ranks.
class Window {
 public:
  explicit Window(std::uint64_t bytes) {
    void* memory = nullptr;
    MPI_Win_allocate(static_cast<MPI_Aint>(bytes), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &window_);
    bytes_ = {static_cast<unsigned char*>(memory), bytes};
    std::ranges::fill(bytes_, 0);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  ~Window() { MPI_Win_free(&window_); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  std::span<unsigned char> bytes() const { return bytes_; }
  MPI_Win handle() const { return window_; }

 private:
  MPI_Win window_ = MPI_WIN_NULL;
  std::span<unsigned char> bytes_;
};

/// Collective: whether all ranks say so.
bool all_say(bool mine) {
  int all = mine ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return all != 0;
}

void mpi_put(benchmark::State& state, Job& job, std::uint64_t bytes) {
  if (!job.has_mpi()) throw Impossible("MPI_Put needs MPI: start with mpirun -n 2");
  job.send({.task = Task::mpi_put, .bytes = bytes});
  const std::vector<unsigned char> source(bytes, kByte);
  const Window window(bytes);
  const int count = static_cast<int>(bytes);
  MPI_Win_lock(MPI_LOCK_SHARED, kTarget, 0, window.handle());
  const auto batch = static_cast<benchmark::IterationCount>(puts_in_a_batch(bytes));
  while (state.KeepRunningBatch(batch)) {
    for (benchmark::IterationCount i = 0; i < batch; ++i) {
      MPI_Put(source.data(), count, MPI_BYTE, kTarget, 0, count, MPI_BYTE, window.handle());
    }
    MPI_Win_flush(kTarget, window.handle());
  }
  MPI_Win_unlock(kTarget, window.handle());
  MPI_Barrier(MPI_COMM_WORLD);
  state.SetBytesProcessed(state.iterations() * count);
  if (!all_say(true)) throw RunError(ExitStatus::internal, "MPI_Put left other bytes than were sent");
}

}  // namespace

void offer_mpi_window(std::uint64_t bytes) {
  const Window window(bytes);
  // Returns when rank 0 has measured; progresses MPI meanwhile.
  MPI_Barrier(MPI_COMM_WORLD);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  all_say(rank != kTarget || std::ranges::all_of(window.bytes(), [](unsigned char byte) { return byte == kByte; }));
}

void register_mpi_put(Job& job) {
  for (const std::uint64_t bytes : {std::uint64_t{8}, kReferenceBytes, std::uint64_t{64} << 20}) {
    add("mpi_put/bytes:" + std::to_string(bytes),
        [&job, bytes](benchmark::State& state) { mpi_put(state, job, bytes); });
  }
}

}  // namespace runnel
