// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace runnel {
namespace {

/// What a symbolic link leads to: the link itself must stay.
std::filesystem::path resolved(const std::filesystem::path& file) {
  return std::filesystem::is_symlink(file) ? std::filesystem::weakly_canonical(file) : file;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target)
    : target_(resolved(target)), path_(target_.string() + "." + std::to_string(getpid()) + ".tmp") {
  if (std::filesystem::exists(target_) && !std::filesystem::is_regular_file(target_)) {
    errno = std::filesystem::is_directory(target_) ? EISDIR : EINVAL;
    fail(ExitStatus::cannot_create, "cannot be replaced, it is no regular file");
  }
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    fail(ExitStatus::cannot_create, "cannot be made");
  }
}

AtomicFile::~AtomicFile() {
  close(descriptor_);
  if (!published_) {
    unlink(path_.c_str());
  }
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      fail(ExitStatus::cannot_write, "cannot be written");
    }
    bytes = bytes.subspan(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
}

void AtomicFile::publish() {
  if (fsync(descriptor_) != 0) {
    fail(ExitStatus::cannot_write, "cannot be written");
  }
  if (std::rename(path_.c_str(), target_.c_str()) != 0) {
    fail(ExitStatus::cannot_create, "cannot be replaced");
  }
  published_ = true;
  // The new name is on the disk once its folder is.
  const std::filesystem::path parent = target_.has_parent_path() ? target_.parent_path() : ".";
  const int folder = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
}

void AtomicFile::fail(ExitStatus status, const char* what) const {
  throw WriteError(status, target_.string() + ": " + what + ": " + std::strerror(errno));
}

void require_writable(const std::filesystem::path& file) {
  const AtomicFile made(file);
}

void write_file_atomically(const std::filesystem::path& file, std::span<const std::span<const std::byte>> parts) {
  AtomicFile replacement(file);
  for (const auto& part : parts) {
    replacement.append(part);
  }
  replacement.publish();
}

}  // namespace runnel
