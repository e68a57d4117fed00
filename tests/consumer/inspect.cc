// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Uses something of the library that needs runnel::arrays.
#include <cstdio>
#include <fstream>

#include "trainer/inspect/summary_text.h"

int main() {
  std::ofstream("table.csv") << "x,y\n1,2\n";
  const runnel::FileSummary summary = runnel::inspect("table.csv", {});
  std::printf("%s", runnel::summary_text(summary, runnel::Drawing::ascii).c_str());
  return summary.arrays.size() == 2 ? 0 : 1;
}
