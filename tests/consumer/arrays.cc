// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses something of the library that needs runnel::archive and zlib.
#include <array>
#include <cstdio>
#include <fstream>

#include "trainer/arrays/npz.h"

int main() {
  const std::array<char, 22> empty = {'P', 'K', 5, 6};
  std::ofstream("empty.npz", std::ios::binary).write(empty.data(), empty.size());
  const auto arrays = runnel::read_npz("empty.npz");
  std::printf("%zu arrays\n", arrays.size());
  return arrays.empty() ? 0 : 1;
}
