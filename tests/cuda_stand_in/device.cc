// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/cuda_stand_in/device.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "runtime/base/run_error.h"
#include "runtime/device/device_module.h"
#include "tests/cuda_stand_in/driver.h"

namespace runnel {
namespace test {
namespace {

void require_success(driver::Result result, const std::string& what) {
  if (result == driver::success) return;
  throw RunError(result == driver::out_of_memory ? ExitStatus::os_limit : ExitStatus::internal,
                 what + " failed: error " + std::to_string(result) + " of the driver");
}

/// Of calls that fail only after a mistake, where nothing can be thrown.
void insist_on_success(driver::Result result, const char* what) {
  if (result == driver::success) return;
  std::fprintf(stderr, "%s failed: error %d of the driver\n", what, static_cast<int>(result));
  std::abort();
}

}  // namespace

StandInDevice::StandInDevice(std::uint64_t seed) : AsyncDevice(seed) {
  driver::Context* context = nullptr;
  require_success(driver::cuDevicePrimaryCtxRetain(&context, 0), "retaining a context");
  bind_thread();
}

void StandInDevice::bind_thread() {
  require_success(driver::cuCtxSetCurrent(driver::primary_context()), "taking the device");
}

// What is new is zeroed.
std::byte* StandInDevice::allocate(std::size_t bytes) {
  bind_thread();
  driver::Address memory = nullptr;
  require_success(driver::cuMemAlloc_v2(&memory, bytes), "allocating " + std::to_string(bytes) + " bytes");
  return memory;
}

void StandInDevice::release(std::byte* memory) noexcept {
  insist_on_success(driver::cuMemFree_v2(memory), "releasing memory");
}

std::byte* StandInDevice::pin(std::span<std::byte> host) {
  bind_thread();
  const driver::Result result = driver::cuMemHostRegister_v2(host.data(), host.size(), 0);
  if (result != driver::already_registered) {
    require_success(result, "pinning memory");
    const std::lock_guard lock(mutex_);
    pinned_.insert(host.data());
  }
  require_reachable(host.data());
  require_reachable(&host.back());
  return host.data();
}

void StandInDevice::unpin(std::span<std::byte> host) noexcept {
  const std::lock_guard lock(mutex_);
  if (pinned_.erase(host.data()) == 0) return;
  insist_on_success(driver::cuMemHostUnregister(host.data()), "unpinning memory");
}

bool StandInDevice::reaches(const void* address) const {
  unsigned type = 0;
  return driver::cuPointerGetAttribute(&type, driver::PointerAttribute::memory_type,
                                       static_cast<const std::byte*>(address)) == driver::success;
}

}  // namespace test

// In place of runtime/device/device_module.cc: the program that has these loads no module, and never meets a GPU.

CudaFound find_cuda() {
  return {.devices = 1, .reason = ""};
}

std::unique_ptr<Device> open_cuda(int /*index*/) {
  constexpr const char* kSeed = "RUNNEL_TEST_SEED";
  const char* const given = std::getenv(kSeed);
  const std::uint64_t seed = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
  std::cerr << "stand-in for cuda:0: " << kSeed << '=' << seed << '\n';
  return std::make_unique<test::StandInDevice>(seed);
}

}  // namespace runnel
