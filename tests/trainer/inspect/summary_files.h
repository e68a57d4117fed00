// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "trainer/inspect/file_summary.h"

namespace runnel::test {

/// A small file, or folder, of a format that `inspect` knows.
struct KnownFile {
  std::string format;
  std::string name;                                        ///< in the folder that `make` gets; empty: the folder
  std::function<void(const std::filesystem::path&)> make;  ///< writes it
  InspectOptions options = {};
};

/// One for each format.
std::vector<KnownFile> known_files();

/// A string of the characters that `bytes` are.
std::string as_text(const std::vector<std::uint8_t>& bytes);

}  // namespace runnel::test
