// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/atomic_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/base/file_name.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// A name in the target's folder, as renaming must not leave the file system, that nobody can foresee. Short: the
/// target's own name may be as long as a name can be.
fs::path temporary_name(const fs::path& target) {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = static_cast<std::uint64_t>(getpid());
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "runnel-%016llx.tmp", static_cast<unsigned long long>(random));
  return folder_of(target) / name.data();
}

/// Gives a name to a file that has none; fails where `name` exists.
bool link_unnamed(int descriptor, const fs::path& name) {
  const std::string unnamed = "/proc/self/fd/" + std::to_string(descriptor);
  return linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

int open_unnamed(const fs::path& target, mode_t mode) {
  return open(folder_of(target).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
}

/// Whether a file without a name can be made and named in the target's folder: not on every file system, not without
/// /proc, and not in a sandbox that refuses linkat.
bool unnamed_files_work(const fs::path& target) {
  const int probe = open_unnamed(target, 0600);
  if (probe < 0) return false;
  const fs::path name = temporary_name(target);
  const bool linked = link_unnamed(probe, name);
  if (linked) unlink(name.c_str());
  close(probe);
  return linked;
}

/// Attributes that make the kernel refuse a rename over the target, or 0.
std::uint64_t pinning_attributes(const fs::path& target) {
  constexpr std::uint64_t kPinning = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_MOUNT_ROOT;
  struct statx found {};
  const int status = statx(AT_FDCWD, target.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found);
  return status == 0 ? found.stx_attributes & kPinning : 0;
}

/// In a sticky folder, such as /tmp, only the owner of the file or the folder may replace the file.
bool sticky_folder_refuses(const fs::path& target, const struct stat& replaced) {
  struct stat folder {};
  if (stat(folder_of(target).c_str(), &folder) != 0 || (folder.st_mode & S_ISVTX) == 0) return false;
  const uid_t self = geteuid();
  return self != 0 && self != replaced.st_uid && self != folder.st_uid;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : target_(link_target(target)) {
  struct stat replaced {};
  const bool exists = lstat(target_.c_str(), &replaced) == 0;
  if (!exists && errno != ENOENT) fail(ExitStatus::cannot_create, "cannot be created");
  if (exists && !S_ISREG(replaced.st_mode)) {
    errno = S_ISLNK(replaced.st_mode) ? ELOOP : S_ISDIR(replaced.st_mode) ? EISDIR : EINVAL;
    fail(ExitStatus::cannot_create, "cannot be replaced, it is not a regular file");
  }
  if (exists && (pinning_attributes(target_) != 0 || sticky_folder_refuses(target_, replaced))) {
    errno = pinning_attributes(target_) == STATX_ATTR_MOUNT_ROOT ? EBUSY : EPERM;
    fail(ExitStatus::cannot_create, "cannot be replaced");
  }
  // Until it has its final permissions nobody else may read what may be secret.
  if (exists) mode_ = 0600;
  create();
}

void AtomicFile::create() {
  if (unnamed_files_work(target_)) descriptor_ = open_unnamed(target_, mode_);
  if (descriptor_ >= 0) return;
  path_ = temporary_name(target_);
  // Neither somebody else's file nor one behind somebody else's link.
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_);
  if (descriptor_ >= 0) return;
  path_.clear();
  fail(ExitStatus::cannot_create, "cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!path_.empty()) unlink(path_.c_str());
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

void AtomicFile::overwrite(std::size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno != EINTR) fail(ExitStatus::cannot_write, "cannot be written");
    const std::size_t done = written < 0 ? 0 : static_cast<std::size_t>(written);
    bytes = bytes.subspan(done);
    offset += done;
  }
}

void AtomicFile::take_name() {
  // A file that has no name cannot take one that exists: it gets a temporary one, and takes the target's by renaming.
  if (!path_.empty()) return;
  const fs::path name = temporary_name(target_);
  if (!link_unnamed(descriptor_, name)) fail(ExitStatus::cannot_create, "cannot be created");
  path_ = name;
}

void AtomicFile::take_ownership() {
  struct stat replaced {};
  if (lstat(target_.c_str(), &replaced) != 0) return;
  const bool same_group = fchown(descriptor_, replaced.st_uid, replaced.st_gid) == 0 ||
                          fchown(descriptor_, static_cast<uid_t>(-1), replaced.st_gid) == 0;
  // Another group than the old file's must not get that group's permissions.
  fchmod(descriptor_, replaced.st_mode & (same_group ? 0777 : 0707));
}

void AtomicFile::rename_to(const fs::path& name) {
  if (std::rename(path_.c_str(), name.c_str()) != 0) fail(ExitStatus::cannot_create, "cannot be renamed into place");
}

void AtomicFile::publish() {
  take_name();
  take_ownership();
  // A file system on another machine may report only now that there was no room.
  if (close(std::exchange(descriptor_, -1)) != 0) fail(ExitStatus::cannot_write, "cannot be written");
  rename_to(target_);
  path_.clear();
}

void AtomicFile::publish_durably() {
  if (fsync(descriptor_) != 0) fail(ExitStatus::cannot_write, "cannot be written");
  publish();
  sync_folder(folder_of(target_));
}

void AtomicFile::rehearse() {
  take_name();
  take_ownership();
  const fs::path other = temporary_name(target_);
  rename_to(other);
  path_ = other;
}

void AtomicFile::fail(ExitStatus status, const char* what) const {
  throw WriteError(status, target_.string() + ": " + what + ": " + std::strerror(errno));
}

void sync_folder(const fs::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int error = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  if (error != EIO && error != ENOSPC && error != EDQUOT) return;
  throw WriteError(ExitStatus::cannot_write, folder.string() + ": cannot be written: " + std::strerror(error));
}

void require_writable(const fs::path& file) {
  AtomicFile(file).rehearse();
}

}  // namespace runnel
