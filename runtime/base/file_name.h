// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace runnel {

/// `name` without `.` and, where that names the same file, without `..`: `..` after a symbolic link stays, because the
/// system follows the link first. Does not resolve links.
std::filesystem::path without_dots(const std::filesystem::path& name);

/// What a symbolic link leads to in the end, whether that exists or not; another file's own name. Still a link when
/// there are more links than the kernel follows.
std::filesystem::path link_target(std::filesystem::path file);

/// The folder that holds `file`; "." for a bare name.
std::filesystem::path folder_of(const std::filesystem::path& file);

/// Whether two names, whose files need not exist, are of one file after all symbolic links are followed. Hard links are
/// different files: replacing one leaves the other.
bool name_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace runnel
