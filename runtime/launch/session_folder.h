// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "transport/owned_fd.h"

namespace runnel {

/// A folder in TMPDIR for mpirun's own files, which it leaves behind when it is killed. Removed with everything in it.
/// One whose launcher was killed is removed by the next launcher of the same user: the owner of a folder holds a lock.
class SessionFolder {
 public:
  /// Throws `RunError`: 73 when TMPDIR cannot be written to, 71 when it is full.
  SessionFolder();
  ~SessionFolder();

  SessionFolder(const SessionFolder&) = delete;
  SessionFolder& operator=(const SessionFolder&) = delete;

  const std::string& path() const { return path_; }

  /// Throws `RunError` (71) when there is no room left for what mpirun writes.
  void require_room() const;

 private:
  std::string path_;
  OwnedFd lock_;
};

}  // namespace runnel
