// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/host_device.h"

#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "runtime/base/steady_clock.h"
#include "runtime/cuda/reduce_body.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel::test {
namespace {

constexpr std::align_val_t kAlignment{256};  // cudaMalloc's

class HostStream final : public DeviceStream {
 public:
  HostStream(std::size_t threads, std::size_t marks) : threads_(threads), times_(marks) {}

  void wait_for_compute() override {}
  void let_compute_wait() override {}
  void copy(std::byte* target, const std::byte* source, std::size_t bytes) override {
    std::memcpy(target, source, bytes);
  }

  void reduce(const ReducePass& pass) override {
    kernel::with_gradients(pass, [&](const auto& gradients) {
      if (const auto* keep = std::get_if<ReducePass::Keep>(&pass.then)) {
        run(gradients, kernel::Keep{keep->reduced}, pass);
        sum_squares(*keep, pass);
      } else {
        kernel::with_update(std::get<ReducePass::Update>(pass.then),
                            [&](const auto& update) { run(gradients, update, pass); });
      }
    });
  }

  Mark mark() override {
    times_[++last_ % times_.size()] = steady_ns();
    return last_;
  }
  bool reached(Mark) override { return true; }
  std::int64_t reached_ns(Mark mark) override { return times_[mark % times_.size()]; }

 private:
  template <typename Gradients, typename Then>
  void run(const Gradients& gradients, const Then& then, const ReducePass& pass) const {
    for (std::size_t thread = 0; thread < threads_; ++thread) {
      kernel::run(gradients, then, pass.begin, pass.end, thread, threads_);
    }
  }

  static void sum_squares(const ReducePass::Keep& keep, const ReducePass& pass) {
    for (std::size_t begin = pass.begin; begin < pass.end; begin += kBlockFloats) {
      std::array<double, kSquareLanes> lanes = {};
      for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
        lanes[lane] = kernel::squares_of_lane(keep.reduced + begin, std::min(kBlockFloats, pass.end - begin), lane);
      }
      keep.block_squares[begin / kBlockFloats] = kernel::add_lanes(lanes.data());
    }
  }

  std::size_t threads_;
  std::vector<std::int64_t> times_;  // of the latest marks
  Mark last_ = 0;
};

}  // namespace

void HostDevice::copy_now(std::byte* target, const std::byte* source, std::size_t bytes) {
  std::memcpy(target, source, bytes);
}

std::byte* HostDevice::allocate(std::size_t bytes) {
  ++held_;
  return static_cast<std::byte*>(std::memset(operator new(bytes, kAlignment), 0, bytes));
}

void HostDevice::release(std::byte* memory) noexcept {
  --held_;
  operator delete(memory, kAlignment);
}

std::byte* HostDevice::pin(std::span<std::byte> host) {
  ++held_;
  return host.data();
}

void HostDevice::unpin(std::span<std::byte>) noexcept {
  --held_;
}

std::unique_ptr<DeviceStream> HostDevice::make_stream(std::size_t marks) {
  return std::make_unique<HostStream>(threads_, marks);
}

}  // namespace runnel::test
