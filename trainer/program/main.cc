// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/run_program.h"

int main(int argc, char** argv) {
  return runnel::run_program(argc, argv, runnel::Registry());
}
