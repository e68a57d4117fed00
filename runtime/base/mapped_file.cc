// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* reason) {
  throw RunError(ExitStatus::input_missing, path.string() + ": cannot be opened: " + reason);
}

/// A file that is open for reading.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      // Does not wait for a pipe's other end.
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) fail(path, std::strerror(errno));
  }
  ~OpenFile() { close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const OpenFile file(path);
  struct stat status {};
  if (fstat(file.descriptor(), &status) != 0) fail(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(path, "not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* mapping = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (mapping == MAP_FAILED) fail(path, std::strerror(errno));
  bytes_ = {static_cast<const std::byte*>(mapping), size};
  try {
    guard_.emplace(bytes_, path);
  } catch (...) {
    munmap(mapping, size);
    throw;
  }
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  guard_.reset();
  munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string_view MappedFile::beginning() const {
  constexpr std::size_t kBytes = 64;
  return {reinterpret_cast<const char*>(bytes_.data()), std::min(bytes_.size(), kBytes)};
}

void advise(std::span<const std::byte> bytes, Access access) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t in_page = reinterpret_cast<std::uintptr_t>(bytes.data()) % page;
  madvise(const_cast<std::byte*>(bytes.data()) - in_page, bytes.size() + in_page,
          access == Access::scattered ? MADV_RANDOM : MADV_SEQUENTIAL);
}

}  // namespace runnel
