// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/file_name.h"

#include <system_error>

namespace runnel {

namespace fs = std::filesystem;

fs::path without_dots(const fs::path& name) {
  std::error_code unreadable;
  fs::path clean;
  for (const fs::path& part : name) {
    if (part == ".") continue;
    const bool is_child = part == ".." && clean.has_filename() && clean.filename() != "..";
    clean = is_child && !fs::is_symlink(clean, unreadable) ? clean.parent_path() : clean / part;
  }
  return clean.empty() ? "." : clean;
}

fs::path link_target(fs::path file) {
  constexpr int kMaxLinks = 40;  // as in the kernel
  std::error_code unreadable;    // then it cannot be created either, and that error is reported
  for (int link = 0; link < kMaxLinks && fs::is_symlink(file, unreadable); ++link) {
    file = file.parent_path() / fs::read_symlink(file, unreadable);
  }
  return file;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

bool name_same_file(const fs::path& a, const fs::path& b) {
  const fs::path first = link_target(a);
  const fs::path second = link_target(b);
  std::error_code missing;  // a folder that is not there holds no file
  return first.filename() == second.filename() && fs::equivalent(folder_of(first), folder_of(second), missing);
}

}  // namespace runnel
