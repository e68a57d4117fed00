// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {

/// A file that could not be written. Exit status 73 when it cannot be created or replaced, 74 when writing failed.
class WriteError : public RunError {
 public:
  using RunError::RunError;
};

/// Replaces a file's contents in one rename.
///
/// Whatever happens to the process, the file holds either its old contents or all of the new ones. Until `publish`, the
/// new contents are in a file without a name, which disappears even when the process is killed; where the file system
/// or a sandbox does not permit that, in `runnel-<random>.tmp` in the target's folder, which the destructor removes.
/// A symbolic link is followed and stays. A replaced file keeps its permissions, and its owner where the process may
/// set it. Throws `WriteError`. Any thread, one at a time.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void append(std::span<const std::byte> bytes);

  /// Replaces bytes that were appended, from byte `offset` on.
  void overwrite(std::size_t offset, std::span<const std::byte> bytes);

  /// Replaces the target. Called once, at the end.
  void publish();

  /// The same, and the new contents and their name are on the disk on return, which may take long.
  void publish_durably();

  /// Makes every system call that `publish` needs, without touching the target.
  void rehearse();

 private:
  void create();
  void take_name();
  void take_ownership();
  void rename_to(const std::filesystem::path& name);
  [[noreturn]] void fail(ExitStatus status, const char* what) const;

  std::filesystem::path target_;
  std::filesystem::path path_;  // of the new contents; empty: they have no name
  mode_t mode_ = 0666;          // with which they are created
  int descriptor_ = -1;
};

/// Names that were made, changed or removed in `folder` are so on the disk on return. Throws `WriteError` (74) when the
/// disk fails or is full. A folder that cannot be opened, and a file system that does not sync folders, is no error.
void sync_folder(const std::filesystem::path& folder);

/// Throws what an `AtomicFile` would throw for lack of a folder, a permission or a system call. Leaves no trace.
void require_writable(const std::filesystem::path& file);

}  // namespace runnel
