// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>

/// A stand-in for the driver, libcuda.so.1, on a machine without a GPU: the calls of it that UCX 1.22 and
/// `StandInDevice` make. Its device memory is shared memory of the host, which other processes map by IPC handles as
/// they map a GPU's. Numbers and rules are those of cuda.h and of the driver's manual, whose header is not needed here.
///
/// What the driver's manual leaves open, the stand-in does in the way in which a mistake shows: copies are late, small
/// allocations share a block. It says nothing about a real driver's speed, ordering or limits. A call that it lacks
/// ends the process with the call's name. Thread: any.
namespace runnel::test::driver {

/// CUresult.
enum Result : int {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  invalid_context = 201,
  already_mapped = 208,
  invalid_handle = 400,
  not_found = 500,
  not_ready = 600,
  already_registered = 712,
  not_registered = 713,
};

/// CUdeviceptr, an integer of the same size there. This device's memory is within reach of the processor.
using Address = std::byte*;

/// The one device's primary context; there is no other.
struct Context;

/// CUpointer_attribute, those that are asked for.
enum class PointerAttribute : int {
  context = 1,
  memory_type = 2,
  buffer_id = 7,
  is_managed = 8,
  device_ordinal = 9,
  is_legacy_ipc_capable = 10,
  allowed_handle_types = 14,
  memory_pool = 17,
};

/// CUipcMemHandle.
struct IpcHandle {
  std::array<std::byte, 64> bytes;
};

/// The memory of the device.
inline constexpr std::size_t kDeviceBytes = std::size_t{1} << 30;

/// The primary context; and whether it is current in the calling thread, without which most calls fail.
Context* primary_context();
bool has_context();

// Those that the tests make; the others, with what UCX wants of them, are in driver_*.cc.
extern "C" {
Result cuDevicePrimaryCtxRetain(Context** context, int device);
Result cuCtxSetCurrent(Context* context);
Result cuMemAlloc_v2(Address* address, std::size_t bytes);
Result cuMemFree_v2(Address address);
Result cuMemGetAddressRange_v2(Address* begin, std::size_t* bytes, Address address);
Result cuIpcGetMemHandle(IpcHandle* handle, Address address);
Result cuIpcOpenMemHandle_v2(Address* address, IpcHandle handle, unsigned flags);
Result cuIpcCloseMemHandle(Address address);
Result cuMemHostRegister_v2(void* memory, std::size_t bytes, unsigned flags);
Result cuMemHostUnregister(void* memory);
Result cuPointerGetAttribute(void* value, PointerAttribute attribute, const std::byte* address);
}

}  // namespace runnel::test::driver
