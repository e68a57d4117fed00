// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace runnel {

/// Makes SIGHUP what it was when the program was started: UCX takes it for a debugger's signal while it is loaded, also
/// where it was ignored, as under nohup. Called first in main, by programs, which link the object library
/// runnel_sighup.
void restore_sighup();

}  // namespace runnel
