// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "runtime/base/run_error.h"

namespace runnel {

/// A file that could not be written. Exit status 73 when it cannot be made, 74 when writing failed.
class WriteError : public RunError {
 public:
  using RunError::RunError;
};

/// New contents of a file, piece by piece.
///
/// Whatever happens to the process, the file holds either its old contents or all of the new ones: they go to a file
/// without a name, or, where the file system has none, to a temporary one beside it. That is gone again unless it is
/// published; one without a name even when the process is killed. Throws `WriteError`. Any thread, one at a time.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void append(std::span<const std::byte> bytes);

  /// The new contents take the place of the old ones. Called once, at the end.
  void publish();

  /// The same, and they are on the disk on return, which may take long.
  void publish_durably();

 private:
  [[noreturn]] void fail(ExitStatus status, const char* what) const;

  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool named_ = false;  // path_ exists
};

/// Throws what an `AtomicFile` would throw for want of a folder, permission or a name. Leaves no trace.
void require_writable(const std::filesystem::path& file);

}  // namespace runnel
