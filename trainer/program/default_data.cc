// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/default_data.h"

#include <system_error>

#include "runnel_version.h"
#include "runtime/base/file_name.h"

namespace runnel {

namespace fs = std::filesystem;

fs::path default_data_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = without_dots(folder_of(program) / kDataFromProgram);
  return fs::is_directory(installed, error) || !fs::is_directory(kSourceDataDir, error) ? installed
                                                                                        : fs::path(kSourceDataDir);
}

}  // namespace runnel
