// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace runnel {

/// For how many milliseconds mpirun lets ranks end by themselves before it kills them: see patient_kill.cc.
inline constexpr const char* kKillGraceVariable = "RUNNEL_KILL_GRACE_MS";

}  // namespace runnel
