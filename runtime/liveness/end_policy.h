// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace runnel {

/// How a process ends after a signal, and after a loss.
struct EndPolicy {
  /// After a loss the sum with the time that silence takes stays below the 5 s in which a run ends.
  static constexpr std::chrono::milliseconds kGraceAfterLoss{1500};

  /// Whether it reads the signals that `BlockedStopSignals` holds back.
  bool takes_signals = true;

  /// During the steps of a run with checkpoints a signal is a wish, which the lead grants at the end of a step; so much
  /// later everything ends. 0: a signal ends the run at once.
  std::chrono::milliseconds wish_grace{0};

  /// How long the main thread has to end the process after a loss.
  std::chrono::milliseconds loss_grace = kGraceAfterLoss;
};

}  // namespace runnel
