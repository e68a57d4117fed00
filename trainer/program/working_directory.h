// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace runnel {

/// Ends the process with one line and status 66 if its working directory has been deleted.
///
/// A program that calls this is checked before its libraries are initialised: oneMKL, which is part of LibTorch, would
/// end it then with status 2 and "FATAL ERROR: Cannot load libtorch_cpu.so", before main.
void require_working_directory();

}  // namespace runnel
