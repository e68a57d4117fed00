// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// One device and its primary context, which is current in a thread only where somebody made it so.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/cuda_stand_in/driver.h"

namespace runnel::test::driver {

struct Context {};

namespace {

std::atomic<int> retained = 0;                // the primary context is active while somebody retains it
thread_local std::vector<Context*> contexts;  // of the thread; the last one is current

}  // namespace

Context* primary_context() {
  static Context context;
  return &context;
}

bool has_context() {
  return !contexts.empty() && contexts.back() != nullptr;
}

extern "C" {

/// UCX's first call.
Result cuInit(unsigned /*flags*/) {
  return success;
}

Result cuDeviceGetCount(int* count) {
  *count = 1;
  return success;
}

Result cuDeviceGet(int* device, int ordinal) {
  if (ordinal != 0) return invalid_value;
  *device = ordinal;
  return success;
}

/// UCX looks for models that it treats apart.
Result cuDeviceGetName(char* name, int bytes, int /*device*/) {
  std::snprintf(name, static_cast<std::size_t>(bytes), "stand-in");
  return success;
}

/// Goes into cuda_ipc's keys: equal where owner and peer use the same device.
Result cuDeviceGetUuid_v2(char* uuid, int /*device*/) {
  std::memcpy(uuid, "runnel stand-in", 16);
  return success;
}

/// UCX registers whole allocations where they are small against it.
Result cuDeviceTotalMem_v2(std::size_t* bytes, int /*device*/) {
  *bytes = kDeviceBytes;
  return success;
}

/// UCX asks for the place on the PCI bus, the compute capability, from which it guesses a bandwidth, and dmabuf.
Result cuDeviceGetAttribute(int* value, int attribute, int /*device*/) {
  constexpr int kPciBus = 33;
  constexpr int kComputeCapabilityMajor = 75;
  *value = attribute == kPciBus ? 1 : attribute == kComputeCapabilityMajor ? 9 : 0;
  return success;
}

/// UCX uses the device of a thread without a context only where its primary context is active.
Result cuDevicePrimaryCtxGetState(int /*device*/, unsigned* flags, int* active) {
  *flags = 0;
  *active = retained > 0 ? 1 : 0;
  return success;
}

Result cuDevicePrimaryCtxRetain(Context** context, int /*device*/) {
  ++retained;
  *context = primary_context();
  return success;
}

Result cuDevicePrimaryCtxRelease_v2(int /*device*/) {
  if (retained == 0) return invalid_context;
  --retained;
  return success;
}

/// What CUDA's runtime does in cudaSetDevice.
Result cuCtxSetCurrent(Context* context) {
  if (contexts.empty()) contexts.push_back(nullptr);
  contexts.back() = context;
  return success;
}

Result cuCtxGetCurrent(Context** context) {
  *context = contexts.empty() ? nullptr : contexts.back();
  return success;
}

/// `ucp_rkey_ptr` fails where the thread has no device.
Result cuCtxGetDevice(int* device) {
  if (!has_context()) return invalid_context;
  *device = 0;
  return success;
}

Result cuCtxPushCurrent_v2(Context* context) {
  contexts.push_back(context);
  return success;
}

Result cuCtxPopCurrent_v2(Context** context) {
  if (contexts.empty()) return invalid_context;
  if (context != nullptr) *context = contexts.back();
  contexts.pop_back();
  return success;
}

/// UCX keeps its streams by it. Of the current context where there is none given.
Result cuCtxGetId(Context* context, unsigned long long* id) {
  if (context == nullptr && !has_context()) return invalid_context;
  *id = 1;
  return success;
}

Result cuGetErrorString(Result code, const char** text) {
  static thread_local std::string said;
  said = "error " + std::to_string(code) + " of the stand-in for CUDA's driver";
  *text = said.c_str();
  return success;
}

/// UCX looks for calls of newer drivers (cuCtxSetFlags, dmabuf), and does without.
Result cuGetProcAddress_v2(const char* /*name*/, void** function, int /*version*/, std::uint64_t /*flags*/,
                           int* status) {
  constexpr int kSymbolNotFound = 1;
  *function = nullptr;
  if (status != nullptr) *status = kSymbolNotFound;
  return not_found;
}

/// For memory of cuMemCreate alone, of which there is none.
Result cuMemRetainAllocationHandle(void* /*handle*/, void* /*address*/) {
  return invalid_value;
}

}  // extern "C"

}  // namespace runnel::test::driver
