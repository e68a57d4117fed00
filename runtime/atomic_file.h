// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "runtime/exit_status.h"

namespace runnel {

/// A file that could not be written. Exit status 73 when it cannot be made, 74 when writing failed.
class WriteError : public RunError {
 public:
  using RunError::RunError;
};

/// Replaces the contents of `file` by `parts`, one after the other.
///
/// Whatever happens, the file holds either its old contents or all of the new ones: they go to a temporary file beside
/// it, which takes its name when they are on the disk. They are on the disk on return. Throws `WriteError`, and then
/// leaves nothing behind. Any thread.
void write_file_atomically(const std::filesystem::path& file, std::span<const std::span<const std::byte>> parts);

/// Throws what `write_file_atomically` would throw for want of a folder, permission or a name. Leaves no trace.
void require_writable(const std::filesystem::path& file);

}  // namespace runnel
