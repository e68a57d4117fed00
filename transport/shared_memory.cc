// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/shared_memory.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "transport/status.h"

namespace runnel {
const char* shared_memory_folder() {
  const char* named = std::getenv("UCX_POSIX_DIR");
  return named != nullptr ? named : "/dev/shm";
}

std::optional<std::size_t> free_shared_memory(const char* folder) {
  struct statvfs info = {};
  if (statvfs(folder, &info) != 0) return std::nullopt;
  return static_cast<std::size_t>(info.f_bavail) * info.f_frsize;
}

void require_free_shared_memory(std::size_t bytes, std::string_view what, const char* folder) {
  const auto free_bytes = free_shared_memory(folder);
  if (free_bytes && access(folder, W_OK) != 0) {
    throw TransportError(StatusCode::out_of_memory, std::string(what) + " " + std::to_string(bytes) +
                                                        " bytes of shared memory and " + folder +
                                                        " cannot be written: " + std::strerror(errno) +
                                                        "; mount it writable for this user (mode 1777)");
  }
  if (free_bytes && bytes > *free_bytes) throw_short_of_shared_memory(bytes, what, folder);
}

void throw_short_of_shared_memory(std::size_t bytes, std::string_view what, const char* folder) {
  throw TransportError(StatusCode::out_of_memory,
                       std::string(what) + " " + std::to_string(bytes) + " bytes of shared memory and " + folder +
                           " has " + std::to_string(free_shared_memory(folder).value_or(0)) +
                           " free; enlarge it, end what else uses it, or use a path that needs none");
}

std::size_t mapped_shared_memory() {
  struct stat info = {};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(std::fopen("/proc/self/maps", "re"), &std::fclose);
  if (maps == nullptr || stat(shared_memory_folder(), &info) != 0) return 0;
  std::size_t bytes = 0;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (getline(&line, &capacity, maps.get()) > 0) {
    unsigned long begin = 0;
    unsigned long end = 0;
    unsigned device_major = 0;
    unsigned device_minor = 0;
    if (std::sscanf(line, "%lx-%lx %*s %*x %x:%x", &begin, &end, &device_major, &device_minor) != 4) continue;
    if (makedev(device_major, device_minor) == info.st_dev) bytes += end - begin;
  }
  std::free(line);
  return bytes;
}

}  // namespace runnel
