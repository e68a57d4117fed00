// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace runnel {
namespace {

/// What a symbolic link leads to, whether that exists or not: the link itself must stay.
std::filesystem::path resolved(std::filesystem::path file) {
  constexpr int kMostLinks = 40;  // as in the kernel
  std::error_code unreadable;     // then it cannot be made either, which says why
  for (int link = 0; link < kMostLinks && std::filesystem::is_symlink(file, unreadable); ++link) {
    file = file.parent_path() / std::filesystem::read_symlink(file, unreadable);
  }
  return file;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target)
    : target_(resolved(target)), path_(target_.string() + "." + std::to_string(getpid()) + ".tmp") {
  std::error_code unreadable;
  if (std::filesystem::is_symlink(target_, unreadable)) {
    errno = ELOOP;
    fail(ExitStatus::cannot_create, "cannot be made");
  }
  if (std::filesystem::exists(target_, unreadable) && !std::filesystem::is_regular_file(target_, unreadable)) {
    errno = std::filesystem::is_directory(target_, unreadable) ? EISDIR : EINVAL;
    fail(ExitStatus::cannot_create, "cannot be replaced, it is no regular file");
  }
  // It gets its name by way of /proc.
  const bool can_be_named = access("/proc/self/fd", X_OK) == 0;
  if (can_be_named) descriptor_ = open(folder_of(target_).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) {
    struct stat ignored {};
    // The name, which comes last, may be one that no file can have.
    if (lstat(path_.c_str(), &ignored) != 0 && errno != ENOENT) {
      close(descriptor_);
      fail(ExitStatus::cannot_create, "cannot be made");
    }
    return;
  }
  // Not every file system has files without a name; and if nothing can be made here, this says why.
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  named_ = descriptor_ >= 0;
  if (!named_) fail(ExitStatus::cannot_create, "cannot be made");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (named_) unlink(path_.c_str());
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
  if (!named_) {
    // A file that has no name cannot take one that exists.
    const std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor_);
    unlink(path_.c_str());
    if (linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail(ExitStatus::cannot_create, "cannot be made");
    }
    named_ = true;
  }
  // A file system on another machine may say only now that there was no room.
  if (close(std::exchange(descriptor_, -1)) != 0) fail(ExitStatus::cannot_write, "cannot be written");
  if (std::rename(path_.c_str(), target_.c_str()) != 0) fail(ExitStatus::cannot_create, "cannot be replaced");
  named_ = false;
}

void AtomicFile::publish_durably() {
  if (fsync(descriptor_) != 0) fail(ExitStatus::cannot_write, "cannot be written");
  publish();
  // The new name is on the disk once its folder is.
  const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

void AtomicFile::fail(ExitStatus status, const char* what) const {
  throw WriteError(status, target_.string() + ": " + what + ": " + std::strerror(errno));
}

void require_writable(const std::filesystem::path& file) {
  const AtomicFile made(file);
}

}  // namespace runnel
