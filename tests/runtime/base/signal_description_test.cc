// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/signal_description.h"

#include <gtest/gtest.h>

#include <csignal>

namespace runnel {
namespace {

TEST(SignalDescription, NamesTheUsualCauseOfADeath) {
  EXPECT_EQ(describe_signal(9), "SIGKILL (killed, or out of memory: see dmesg)");
  EXPECT_EQ(describe_signal(11), "SIGSEGV (an invalid memory access)");
  EXPECT_EQ(describe_signal(24), "SIGXCPU (the CPU time limit, ulimit -t)");
  EXPECT_EQ(describe_signal(25), "SIGXFSZ (the file size limit, ulimit -f)");
  EXPECT_EQ(describe_signal(31), "SIGSYS (a system call that is not allowed here, seccomp)");
}

TEST(SignalDescription, OfOtherSignalsIsTheirNameOrNumber) {
  EXPECT_EQ(describe_signal(SIGTERM), "SIGTERM");
  EXPECT_EQ(describe_signal(99), "signal 99");
}

}  // namespace
}  // namespace runnel
