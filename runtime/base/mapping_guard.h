// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace runnel {

/// While it lives, the bytes of a mapped file are guarded: the process ends when the file becomes shorter.
///
/// The system answers access to a page that is no longer in the file with SIGBUS. The handler, which the first guard
/// installs, looks for the address among the guarded mappings: within one, it writes a line with the path to standard
/// error, and the process exits with status 65 (bad_data), without destructors. Every other SIGBUS goes to the action
/// that was set before, which is usually to die by the signal. Any thread.
class MappingGuard {
 public:
  /// `mapping`: the bytes of the file `path`, which stay mapped as long as this object lives.
  MappingGuard(std::span<const std::byte> mapping, const std::filesystem::path& path);
  ~MappingGuard();

  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;

  struct Entry;

 private:
  Entry* entry_;
};

}  // namespace runnel
