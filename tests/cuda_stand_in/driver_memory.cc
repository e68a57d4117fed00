// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Device memory, IPC handles, pinned host memory, and what a pointer points to.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "tests/cuda_stand_in/driver.h"

namespace runnel::test::driver {
namespace {

// CUDA's guide on IPC: cudaMalloc may take small allocations from a larger block, which is then shared as a whole; only
// sizes that are multiples of 2 MiB should be shared. Here all others have to share blocks.
constexpr std::size_t kBlockBytes = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 256;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// What an IPC handle holds: which allocation in which block of which process.
struct Shared {
  pid_t pid;
  int file;
  ino_t inode;
  std::size_t block_bytes;
  std::size_t offset;
  std::size_t bytes;
  char padding[24];
};

/// Memory of the device, by its begin in this process: of this one's own, or of another one that it has opened. A memfd
/// has no name that could be left behind.
struct Block {
  std::size_t bytes;
  pid_t pid;
  int file;  // -1 of another process's
  ino_t inode;
  std::size_t used = 0;
  int allocations = 0;
};

enum class Kind { allocated, opened, pinned };

/// What the driver knows of a range of addresses.
struct Range {
  Kind kind;
  std::size_t bytes;
  std::uint64_t id;  // no other range ever has the same
  Address block;
};

using Ranges = std::map<Address, Range, std::less<>>;

std::mutex mutex;
std::uint64_t ids = 0;
std::size_t allocated_bytes = 0;
// Not destroyed: UCX gives back memory while the process ends.
auto& ranges = *new Ranges;
auto& blocks = *new std::map<Address, Block>;

/// The range in which `address` lies; the map's end where the driver knows of none.
Ranges::iterator find(const std::byte* address) {
  const auto after = ranges.upper_bound(address);
  if (after == ranges.begin()) return ranges.end();
  const auto range = std::prev(after);
  return address < range->first + range->second.bytes ? range : ranges.end();
}

/// The range of `kind` that begins at `address`.
Ranges::iterator find_begin(const std::byte* address, Kind kind) {
  const auto range = ranges.find(address);
  return range != ranges.end() && range->second.kind == kind ? range : ranges.end();
}

Address map_file(int file, std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<Address>(memory);
}

/// A block of this process with room for `bytes`, where allocations of that size share one; else a new one.
std::map<Address, Block>::iterator block_for(std::size_t bytes) {
  const bool alone = bytes % kBlockBytes == 0;
  const auto block = std::ranges::find_if(blocks, [&](const auto& entry) {
    const Block& one = entry.second;
    return !alone && one.file >= 0 && one.bytes - one.used >= bytes;
  });
  if (block != blocks.end()) return block;
  const std::size_t whole = round_up(bytes, kBlockBytes);
  const int file = memfd_create("stand-in for device memory", MFD_CLOEXEC);
  struct stat about = {};
  if (file < 0 || ftruncate(file, static_cast<off_t>(whole)) != 0 || fstat(file, &about) != 0) return blocks.end();
  const Address begin = map_file(file, whole);
  if (begin == nullptr) return blocks.end();
  return blocks.emplace(begin, Block{.bytes = whole, .pid = getpid(), .file = file, .inode = about.st_ino}).first;
}

void give_back(Address begin) {
  const Block& block = blocks.at(begin);
  munmap(begin, block.bytes);
  if (block.file >= 0) close(block.file);
  blocks.erase(begin);
}

/// The file of a block in another process; -1 where it is gone, or is another one by now.
int open_file(const Shared& shared) {
  const std::string path = "/proc/" + std::to_string(shared.pid) + "/fd/" + std::to_string(shared.file);
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat about = {};
  if (file < 0 || (fstat(file, &about) == 0 && about.st_ino == shared.inode)) return file;
  close(file);
  return -1;
}

template <class Value>
void give(void* to, Value value) {
  *static_cast<Value*>(to) = value;
}

/// `range`: null where the driver knows nothing of the pointer.
void give_attribute(void* to, PointerAttribute attribute, const Range* range) {
  constexpr unsigned kHostMemory = 1;
  constexpr unsigned kDeviceMemory = 2;
  constexpr int kNoDevice = -2;
  const bool on_device = range != nullptr && range->kind != Kind::pinned;
  switch (attribute) {
    case PointerAttribute::context:
      return give(to, range == nullptr ? static_cast<Context*>(nullptr) : primary_context());
    case PointerAttribute::memory_type:
      return give(to, range == nullptr ? 0U : on_device ? kDeviceMemory : kHostMemory);
    case PointerAttribute::buffer_id:
      return give(to, static_cast<unsigned long long>(range == nullptr ? 0 : range->id));
    case PointerAttribute::is_managed:
      return give(to, 0U);
    case PointerAttribute::device_ordinal:
      return give(to, range == nullptr ? kNoDevice : 0);
    case PointerAttribute::is_legacy_ipc_capable:
      return give(to, on_device ? 1 : 0);
    case PointerAttribute::allowed_handle_types:
      return give(to, std::uint64_t{0});
    case PointerAttribute::memory_pool:
      return give(to, static_cast<void*>(nullptr));
  }
  std::fprintf(stderr, "the stand-in for CUDA's driver lacks attribute %d of a pointer\n", static_cast<int>(attribute));
  std::abort();
}

}  // namespace

extern "C" {

Result cuMemAlloc_v2(Address* address, std::size_t bytes) {
  if (!has_context()) return invalid_context;
  if (bytes == 0) return invalid_value;
  const std::lock_guard lock(mutex);
  if (bytes > kDeviceBytes - allocated_bytes) return out_of_memory;
  const auto found = block_for(round_up(bytes, kAlignment));
  if (found == blocks.end()) return out_of_memory;
  auto& [begin, block] = *found;
  *address = begin + block.used;
  block.used += round_up(bytes, kAlignment);
  ++block.allocations;
  allocated_bytes += bytes;
  ranges[*address] = {.kind = Kind::allocated, .bytes = bytes, .id = ++ids, .block = begin};
  return success;
}

/// Takes what cuMemAlloc gave, once.
Result cuMemFree_v2(Address address) {
  const std::lock_guard lock(mutex);
  const auto range = find_begin(address, Kind::allocated);
  if (range == ranges.end()) return invalid_value;
  const Address block = range->second.block;
  allocated_bytes -= range->second.bytes;
  ranges.erase(range);
  if (--blocks.at(block).allocations == 0) give_back(block);
  return success;
}

/// UCX puts it into the key, and takes what it maps later for memory that begins there.
Result cuMemGetAddressRange_v2(Address* begin, std::size_t* bytes, Address address) {
  const std::lock_guard lock(mutex);
  const auto range = find(address);
  if (range == ranges.end() || range->second.kind == Kind::pinned) return invalid_value;
  *begin = range->first;
  *bytes = range->second.bytes;
  return success;
}

/// `address` is anywhere in an allocation of this process; the handle is for all of it.
Result cuIpcGetMemHandle(IpcHandle* handle, Address address) {
  if (!has_context()) return invalid_context;
  const std::lock_guard lock(mutex);
  const auto range = find(address);
  if (range == ranges.end() || range->second.kind != Kind::allocated) return invalid_value;
  const Block& block = blocks.at(range->second.block);
  *handle = std::bit_cast<IpcHandle>(Shared{.pid = block.pid,
                                            .file = block.file,
                                            .inode = block.inode,
                                            .block_bytes = block.bytes,
                                            .offset = static_cast<std::size_t>(range->first - range->second.block),
                                            .bytes = range->second.bytes,
                                            .padding = {}});
  return success;
}

/// Maps the block, and gives the begin of the handle's allocation in it. A process's own blocks cannot be opened, and
/// others only once: UCX unmaps what it has of that peer when it hears of `already_mapped`, and tries again.
Result cuIpcOpenMemHandle_v2(Address* address, IpcHandle handle, unsigned /*flags*/) {
  const auto shared = std::bit_cast<Shared>(handle);
  if (!has_context() || shared.pid == getpid()) return invalid_context;
  const std::lock_guard lock(mutex);
  for (const auto& [begin, block] : blocks) {
    if (block.pid == shared.pid && block.inode == shared.inode) return already_mapped;
  }
  const int file = open_file(shared);
  if (file < 0) return invalid_handle;
  const Address begin = map_file(file, shared.block_bytes);
  close(file);
  if (begin == nullptr) return out_of_memory;
  blocks[begin] = {.bytes = shared.block_bytes, .pid = shared.pid, .file = -1, .inode = shared.inode};
  *address = begin + shared.offset;
  ranges[*address] = {.kind = Kind::opened, .bytes = shared.bytes, .id = ++ids, .block = begin};
  return success;
}

Result cuIpcCloseMemHandle(Address address) {
  const std::lock_guard lock(mutex);
  const auto range = find_begin(address, Kind::opened);
  if (range == ranges.end()) return invalid_value;
  give_back(range->second.block);
  ranges.erase(range);
  return success;
}

/// UCX pins the host memory that it allocates or registers in a process with a device.
Result cuMemHostRegister_v2(void* memory, std::size_t bytes, unsigned /*flags*/) {
  if (!has_context()) return invalid_context;
  if (bytes == 0) return invalid_value;
  const auto begin = static_cast<Address>(memory);
  const std::lock_guard lock(mutex);
  const auto after = ranges.lower_bound(begin + bytes);
  if (after != ranges.begin() && std::prev(after)->first + std::prev(after)->second.bytes > begin) {
    return std::prev(after)->second.kind == Kind::pinned ? already_registered : invalid_value;
  }
  ranges[begin] = {.kind = Kind::pinned, .bytes = bytes, .id = ++ids, .block = nullptr};
  return success;
}

Result cuMemHostUnregister(void* memory) {
  const std::lock_guard lock(mutex);
  const auto range = find_begin(static_cast<Address>(memory), Kind::pinned);
  if (range == ranges.end()) return not_registered;
  ranges.erase(range);
  return success;
}

/// An error where the driver does not know the pointer: so UCX tells the host's memory, which is still to be pinned.
Result cuPointerGetAttribute(void* value, PointerAttribute attribute, const std::byte* address) {
  const std::lock_guard lock(mutex);
  const auto range = find(address);
  if (range == ranges.end()) return invalid_value;
  give_attribute(value, attribute, &range->second);
  return success;
}

/// The same of several, but for a pointer that the driver does not know: none of them is an error, all are empty.
Result cuPointerGetAttributes(unsigned count, const PointerAttribute* attributes, void** values,
                              const std::byte* address) {
  const std::lock_guard lock(mutex);
  const auto range = find(address);
  for (unsigned i = 0; i < count; ++i) {
    give_attribute(values[i], attributes[i], range == ranges.end() ? nullptr : &range->second);
  }
  return success;
}

/// UCX asks that copies of the memory be complete when their call returns; those of this driver never are.
Result cuPointerSetAttribute(const void* /*value*/, int /*attribute*/, const std::byte* /*address*/) {
  return success;
}

}  // extern "C"

}  // namespace runnel::test::driver
