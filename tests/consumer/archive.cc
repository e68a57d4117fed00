// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses something of the library that needs zlib.
#include <array>
#include <cstdio>
#include <fstream>

#include "trainer/archive/zip_archive.h"

int main() {
  const std::array<char, 22> empty = {'P', 'K', 5, 6};
  std::ofstream("empty.zip", std::ios::binary).write(empty.data(), empty.size());
  const runnel::ZipArchive archive("empty.zip");
  std::printf("%zu members\n", archive.members().size());
  return archive.members().empty() ? 0 : 1;
}
