// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/cuda/cuda_stream.h"

#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "runtime/base/steady_clock.h"
#include "runtime/cuda/cuda_error.h"
#include "runtime/cuda/reduce_kernels.h"

namespace runnel {
namespace {

// CUDA tells the time between two events in ms as a float: after 4 s that is exact to 0.5 us.
constexpr std::int64_t kApart = 4'000'000'000;

// A stream ends with its run, or after an error. Waits of CUDA's own have no end where a GPU hangs.
constexpr std::chrono::seconds kFarewell{5};

/// Memory that the GPU may still write cannot be given back.
[[noreturn]] void give_up() {
  std::fputs("runnel: a GPU did not end its work; the process ends without it: look at nvidia-smi and dmesg (Xid)\n",
             stderr);
  std::_Exit(static_cast<int>(ExitStatus::internal));
}

}  // namespace

CudaStream::CudaStream(int device, std::size_t marks)
    : device_(device),
      stream_(make_stream(device)),
      idle_(make_stream(device)),
      order_(make_event(device, cudaEventDisableTiming)),
      met_(make_event(device, cudaEventDefault)) {
  for (std::size_t i = 0; i < marks; ++i) marks_.push_back(make_event(device, cudaEventDefault));
  meet_clocks();
}

CudaStream::~CudaStream() {
  (void)cudaSetDevice(device_);
  const auto give_up_at = std::chrono::steady_clock::now() + kFarewell;
  while (cudaStreamQuery(stream_.get()) == cudaErrorNotReady) {
    if (std::chrono::steady_clock::now() > give_up_at) give_up();
    std::this_thread::yield();
  }
  (void)cudaGetLastError();
}

CudaStream::Stream CudaStream::make_stream(int device) {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), device, "making a stream");
  return Stream(stream);
}

CudaStream::Event CudaStream::make_event(int device, unsigned flags) {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, flags), device, "making an event");
  return Event(event);
}

void CudaStream::bind() const {
  check_cuda(cudaSetDevice(device_), device_, "making it the thread's device");
}

void CudaStream::wait_for_compute() {
  order(cudaStreamLegacy, stream_.get());
}

void CudaStream::let_compute_wait() {
  order(stream_.get(), cudaStreamLegacy);
}

/// A wait is for what its event has recorded by then, so that one event serves all.
void CudaStream::order(cudaStream_t first, cudaStream_t second) {
  bind();
  check_cuda(cudaEventRecord(order_.get(), first), device_, "ordering two streams");
  check_cuda(cudaStreamWaitEvent(second, order_.get(), 0), device_, "ordering two streams");
}

void CudaStream::copy(std::byte* target, const std::byte* source, std::size_t bytes) {
  bind();
  check_cuda(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDefault, stream_.get()), device_, "copying in a stream");
}

void CudaStream::reduce(const ReducePass& pass) {
  bind();
  check_cuda(launch_reduce(pass, stream_.get()), device_, "launching a kernel");
}

DeviceStream::Mark CudaStream::mark() {
  bind();
  ++last_;
  check_cuda(cudaEventRecord(event_of(last_), stream_.get()), device_, "marking a stream");
  return last_;
}

bool CudaStream::reached(Mark mark) {
  assert(mark <= last_ && mark + marks_.size() > last_);
  bind();
  const cudaError_t code = cudaEventQuery(event_of(mark));
  if (code == cudaErrorNotReady) {
    (void)cudaGetLastError();  // it counts as one, and the next launch's check would find it
    return false;
  }
  check_cuda(code, device_, "work in a stream");
  return true;
}

std::int64_t CudaStream::reached_ns(Mark mark) {
  assert(mark <= last_ && mark + marks_.size() > last_);
  bind();
  if (steady_ns() - met_ns_ > kApart) meet_clocks();
  float ms = 0;  // negative where the clocks have met after the mark
  check_cuda(cudaEventElapsedTime(&ms, met_.get(), event_of(mark)), device_, "taking the time of a mark");
  return met_ns_ + std::llround(static_cast<double>(ms) * 1e6);
}

void CudaStream::meet_clocks() {
  check_cuda(cudaEventRecord(met_.get(), idle_.get()), device_, "taking the time");
  check_cuda(cudaEventSynchronize(met_.get()), device_, "taking the time");
  met_ns_ = steady_ns();
}

}  // namespace runnel
