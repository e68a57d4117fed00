// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Streams for UCX's own copies, which do their work as late as they can: when somebody waits for it, or has asked for
// the third time whether it is done.
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>

#include "tests/cuda_stand_in/driver.h"

namespace runnel::test::driver {

struct Stream {
  std::deque<std::function<void()>> work;
};

struct Event {
  Stream* stream = nullptr;
  bool reached = true;
  int asked = 0;
};

namespace {

constexpr int kQueriesUntilReached = 3;

std::mutex mutex;

template <class Enough>
void work_off(Stream& stream, Enough&& enough) {
  while (!stream.work.empty() && !enough()) {
    stream.work.front()();
    stream.work.pop_front();
  }
}

void work_off_all(Stream& stream) {
  work_off(stream, [] { return false; });
}

bool is_on_device(const std::byte* address) {
  constexpr unsigned kDeviceMemory = 2;
  unsigned type = 0;
  return cuPointerGetAttribute(&type, PointerAttribute::memory_type, address) == success && type == kDeviceMemory;
}

}  // namespace

extern "C" {

Result cuStreamCreate(Stream** stream, unsigned /*flags*/) {
  if (!has_context()) return invalid_context;
  *stream = new Stream;
  return success;
}

Result cuStreamSynchronize(Stream* stream) {
  const std::lock_guard lock(mutex);
  work_off_all(*stream);
  return success;
}

Result cuStreamDestroy_v2(Stream* stream) {
  cuStreamSynchronize(stream);
  delete stream;
  return success;
}

/// UCX wants to be woken when the copies are done, and asks no more until then.
Result cuStreamAddCallback(Stream* stream, void (*callback)(Stream*, Result, void*), void* argument,
                           unsigned /*flags*/) {
  cuStreamSynchronize(stream);
  callback(stream, success, argument);
  return success;
}

Result cuEventCreate(Event** event, unsigned /*flags*/) {
  if (!has_context()) return invalid_context;
  *event = new Event;
  return success;
}

Result cuEventDestroy_v2(Event* event) {
  delete event;
  return success;
}

/// Behind each of UCX's copies.
Result cuEventRecord(Event* event, Stream* stream) {
  const std::lock_guard lock(mutex);
  *event = {.stream = stream, .reached = false, .asked = 0};
  stream->work.emplace_back([event] { event->reached = true; });
  return success;
}

/// In each of UCX's progress calls.
Result cuEventQuery(Event* event) {
  const std::lock_guard lock(mutex);
  if (!event->reached && ++event->asked >= kQueriesUntilReached) {
    work_off(*event->stream, [event] { return event->reached; });
  }
  return event->reached ? success : not_ready;
}

/// A put or get of cuda_copy's, between host and device.
Result cuMemcpyAsync(Address target, const std::byte* source, std::size_t bytes, Stream* stream) {
  const std::lock_guard lock(mutex);
  stream->work.emplace_back([=] { std::memcpy(target, source, bytes); });
  return success;
}

/// A put or get of cuda_ipc's: one side is this process's, the other one mapped.
Result cuMemcpyDtoDAsync_v2(Address target, const std::byte* source, std::size_t bytes, Stream* stream) {
  if (!is_on_device(target) || !is_on_device(source)) return invalid_value;
  return cuMemcpyAsync(target, source, bytes, stream);
}

}  // extern "C"

}  // namespace runnel::test::driver
