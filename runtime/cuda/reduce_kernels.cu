// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/cuda/reduce_body.h"
#include "runtime/cuda/reduce_kernels.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {
namespace {

constexpr unsigned kThreads = 256;

template <typename Gradients, typename Update>
__global__ void __launch_bounds__(kThreads)
    update_kernel(const __grid_constant__ Gradients gradients, const __grid_constant__ Update update, std::size_t begin,
                  std::size_t end) {
  const std::size_t thread = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  kernel::run(gradients, update, begin, end, thread, static_cast<std::size_t>(gridDim.x) * kThreads);
}

/// A block of threads does a block of floats, and then adds up its squares.
template <typename Gradients>
__global__ void __launch_bounds__(kThreads) keep_kernel(const __grid_constant__ Gradients gradients,
                                                        ReducePass::Keep keep, std::size_t begin, std::size_t end) {
  const std::size_t first = begin + blockIdx.x * kBlockFloats;
  const std::size_t last = end - first < kBlockFloats ? end : first + kBlockFloats;
  kernel::run(gradients, kernel::Keep{keep.reduced}, first, last, threadIdx.x, kThreads);
  __syncthreads();
  __shared__ double lanes[kSquareLanes];
  if (threadIdx.x < kSquareLanes) {
    lanes[threadIdx.x] = kernel::squares_of_lane(keep.reduced + first, last - first, threadIdx.x);
  }
  __syncthreads();
  if (threadIdx.x == 0) keep.block_squares[first / kBlockFloats] = kernel::add_lanes(lanes);
}

/// A thread for each four floats: many short threads keep more loads under way than few that loop.
unsigned update_blocks(const ReducePass& pass) {
  constexpr std::size_t kFloats = 4 * kThreads;
  return static_cast<unsigned>((pass.end - pass.begin + kFloats - 1) / kFloats);
}

unsigned keep_blocks(const ReducePass& pass) {
  return static_cast<unsigned>((pass.end - pass.begin + kBlockFloats - 1) / kBlockFloats);
}

}  // namespace

cudaError_t launch_reduce(const ReducePass& pass, cudaStream_t stream) {
  kernel::with_gradients(pass, [&](const auto& gradients) {
    if (const auto* keep = std::get_if<ReducePass::Keep>(&pass.then)) {
      keep_kernel<<<keep_blocks(pass), kThreads, 0, stream>>>(gradients, *keep, pass.begin, pass.end);
      return;
    }
    kernel::with_update(std::get<ReducePass::Update>(pass.then), [&](const auto& update) {
      update_kernel<<<update_blocks(pass), kThreads, 0, stream>>>(gradients, update, pass.begin, pass.end);
    });
  });
  return cudaGetLastError();
}

}  // namespace runnel
