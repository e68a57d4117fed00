// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace runnel {

/// The folder that holds a run's checkpoints, which only this process manages: the lead's.
///
/// Thread: any, one at a time.
class CheckpointFolder {
 public:
  /// Makes the folder, and takes its lock: the file `lock` in it, which names the holder. The lock ends with this
  /// object, and when the process dies in whatever way. Throws `WriteError` when the folder cannot be made or written
  /// to, and `RunError` (in_use) with host and process when another run has it. Where the file system has no locks, a
  /// line in the log says so.
  explicit CheckpointFolder(const std::filesystem::path& directory);
  ~CheckpointFolder();
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  const std::filesystem::path& path() const { return directory_; }

  /// Whether the checkpoint of `step` is there, as far as `Checkpoint` checks. It is then not written again.
  bool has(std::int64_t step) const;

  /// Removes what is no longer needed now that the checkpoint of `newest` is on the disk, and while nothing is written:
  /// good checkpoints of earlier steps, but for `keep` - 1, and what interrupted writing has left of earlier ones and
  /// of this one. Not removed: checkpoints of later steps, damaged ones, and every file that no `CheckpointWriter`
  /// made. Something that cannot be removed stays, without an error.
  void retain(std::size_t keep, std::int64_t newest) const;

  /// Renames what is there of steps after `step`, from which the run goes on another way: step-600 becomes
  /// set-aside-step-600, or set-aside-step-600-2. Gives the new names. Throws `WriteError`.
  std::vector<std::string> set_aside_after(std::int64_t step) const;

 private:
  void lock();

  std::filesystem::path directory_;
  int lock_ = -1;
};

}  // namespace runnel
