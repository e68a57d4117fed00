// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What runtime/device/device.h promises, of a GPU.
#include "runtime/device/device.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/base/steady_clock.h"
#include "tests/gpu/gpu_test.h"

namespace runnel {
namespace {

using Bytes = std::vector<std::byte>;

// Large enough that a copy of it takes longer than to say so: 64 MiB.
constexpr std::size_t kLarge = std::size_t{64} << 20;

void wait_for(DeviceStream& stream, DeviceStream::Mark mark) {
  while (!stream.reached(mark)) std::this_thread::yield();
}

class DeviceTest : public test::GpuTest {
 protected:
  struct Release {
    Device* device;
    void operator()(std::byte* memory) const { device->release(memory); }
  };
  using Memory = std::unique_ptr<std::byte, Release>;

  Memory allocate(std::size_t bytes) { return {device_->allocate(bytes), Release{device_.get()}}; }

  Bytes read(const std::byte* memory, std::size_t bytes) {
    Bytes host(bytes);
    device_->copy_now(host.data(), memory, bytes);
    return host;
  }
};

TEST_F(DeviceTest, SaysWhatItIs) {
  EXPECT_EQ(device_->id(), DeviceId::cuda(0));
  EXPECT_EQ(device_->kind(), MemoryKind::cuda);
}

TEST_F(DeviceTest, GivesZeroedMemoryAlsoWhereItWasUsedBefore) {
  for (int round = 0; round < 2; ++round) {
    const Memory memory = allocate(kLarge);
    EXPECT_EQ(read(memory.get(), kLarge), Bytes(kLarge)) << "round " << round;
    const Bytes ones(kLarge, std::byte{1});
    device_->copy_now(memory.get(), ones.data(), kLarge);
    EXPECT_EQ(read(memory.get(), kLarge), ones);
  }
}

TEST_F(DeviceTest, SaysWhatIsMissingWhenMemoryIsShort) {
  try {
    device_->release(device_->allocate(std::size_t{1} << 50));
    FAIL() << "allocated a PiB";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::os_limit) << error.what();
  }
  EXPECT_NE(allocate(1), nullptr);  // the error does not stay
}

TEST_F(DeviceTest, CopiesBetweenPinnedMemoryAndItsOwn) {
  const Memory memory = allocate(kLarge);
  const auto stream = device_->make_stream(1);
  for (int round = 0; round < 2; ++round) {  // what was unpinned can be pinned again
    Bytes host(kLarge, std::byte{3});
    Bytes back(kLarge);
    stream->copy(memory.get(), device_->pin(host), kLarge);
    stream->copy(device_->pin(back), memory.get(), kLarge);
    wait_for(*stream, stream->mark());
    EXPECT_EQ(back, host);
    device_->unpin(host);
    device_->unpin(back);
  }
}

TEST_F(DeviceTest, WorksFromAThreadThatHasNoDevice) {
  const auto stream = device_->make_stream(2);
  const Memory memory = allocate(kLarge);
  std::thread([&] { stream->copy(memory.get() + kLarge / 2, memory.get(), kLarge / 2); }).join();
  wait_for(*stream, stream->mark());
}

TEST_F(DeviceTest, ReachesMarksInOrderAndTellsWhen) {
  const Memory memory = allocate(2 * kLarge);
  const auto stream = device_->make_stream(4);
  const std::int64_t begin = steady_ns();
  std::vector<DeviceStream::Mark> marks;
  for (int i = 0; i < 4; ++i) {
    stream->copy(memory.get() + kLarge, memory.get(), kLarge);
    marks.push_back(stream->mark());
  }
  EXPECT_EQ(marks, (std::vector<DeviceStream::Mark>{1, 2, 3, 4}));
  wait_for(*stream, marks.back());
  const std::int64_t end = steady_ns();
  std::vector<std::int64_t> times;
  for (const auto mark : marks) {
    EXPECT_TRUE(stream->reached(mark));
    times.push_back(stream->reached_ns(mark));
  }
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  constexpr std::int64_t kMeeting = 100'000;  // what the clocks' common moment may be off
  EXPECT_GT(times.front(), begin - kMeeting);
  EXPECT_LT(times.back(), end + kMeeting);
  EXPECT_GT(times.back() - times.front(), 3 * kLarge / 20'000);  // at most 20 TB/s
}

TEST_F(DeviceTest, TellsTheSameTimeOfAMarkAfterTheClocksHaveMetAgain) {
  const auto stream = device_->make_stream(2);
  const DeviceStream::Mark mark = stream->mark();
  wait_for(*stream, mark);
  const std::int64_t before = stream->reached_ns(mark);
  std::this_thread::sleep_for(std::chrono::milliseconds(4100));
  // By how much two clocks may differ after 4 s: 0.1 %.
  EXPECT_NEAR(static_cast<double>(stream->reached_ns(mark) - before), 0, 4'000'000);
}

// What the second copies is there only when the first is done.
TEST_F(DeviceTest, StreamsWaitForEachOtherThroughTheComputeStream) {
  const Memory source = allocate(kLarge);
  const Memory middle = allocate(kLarge);
  const Memory target = allocate(kLarge);
  const Bytes ones(kLarge, std::byte{1});
  device_->copy_now(source.get(), ones.data(), kLarge);
  const auto first = device_->make_stream(1);
  const auto second = device_->make_stream(1);
  for (int i = 0; i < 20; ++i) first->copy(middle.get(), source.get(), kLarge);
  first->let_compute_wait();
  second->wait_for_compute();
  second->copy(target.get(), middle.get() + kLarge - 1, 1);
  wait_for(*second, second->mark());
  EXPECT_EQ(read(target.get(), 1), Bytes(1, std::byte{1}));
}

}  // namespace
}  // namespace runnel
