// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <vector>

#include "runtime/device/device.h"

namespace runnel {

/// A stream of CUDA that runs beside the compute stream, the legacy default one, and is ordered with it by events only.
class CudaStream final : public DeviceStream {
 public:
  /// `device` is the calling thread's. Throws `RunError`.
  CudaStream(int device, std::size_t marks);

  /// Ends the process where the GPU does not end the work within 5 s.
  ~CudaStream() override;

  void wait_for_compute() override;
  void let_compute_wait() override;
  void copy(std::byte* target, const std::byte* source, std::size_t bytes) override;
  void reduce(const ReducePass& pass) override;
  Mark mark() override;
  bool reached(Mark mark) override;

  /// To a microsecond. Now and then, when the last common moment of both clocks is some seconds ago, takes a new one:
  /// that waits for an empty stream of its own, tens of microseconds.
  std::int64_t reached_ns(Mark mark) override;

 private:
  struct DestroyStream {
    void operator()(cudaStream_t stream) const { (void)cudaStreamDestroy(stream); }
  };
  struct DestroyEvent {
    void operator()(cudaEvent_t event) const { (void)cudaEventDestroy(event); }
  };
  using Stream = std::unique_ptr<CUstream_st, DestroyStream>;
  using Event = std::unique_ptr<CUevent_st, DestroyEvent>;

  static Stream make_stream(int device);
  static Event make_event(int device, unsigned flags);
  void bind() const;
  void order(cudaStream_t first, cudaStream_t second);
  void meet_clocks();
  cudaEvent_t event_of(Mark mark) const { return marks_[mark % marks_.size()].get(); }

  int device_;
  Stream stream_;
  Stream idle_;  // empty but for the event of the clocks' common moment
  Event order_;
  std::vector<Event> marks_;  // the latest
  Mark last_ = 0;
  Event met_;  // at the common moment, by the device's clock
  std::int64_t met_ns_ = 0;
};

}  // namespace runnel
