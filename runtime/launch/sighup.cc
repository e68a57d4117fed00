// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/sighup.h"

#include <csignal>

namespace runnel {
namespace {

struct sigaction at_start {};

void remember() {
  sigaction(SIGHUP, nullptr, &at_start);
}

// What is in this section is called before libraries are initialised (System V ABI). Only a program may have it.
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)() = remember;

}  // namespace

void restore_sighup() {
  sigaction(SIGHUP, &at_start, nullptr);
}

}  // namespace runnel
