// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace runnel {

/// Publishes which OpenMP settings of the user this program has removed from its environment, for `ignored_settings`
/// (launch_place.h), here and in processes that it starts. Called first in main, by programs that link this object
/// file: it removes the settings before OpenMP's library is initialised. The library has no part in it.
///
/// Removed are those that bind threads to cores and those that give fewer threads than were asked for. libgomp obeys
/// them while it is loaded: OMP_PROC_BIND, OMP_PLACES and GOMP_CPU_AFFINITY bind the main thread to its first core, and
/// every process started by it inherits that: the whole job would run on one core. With OMP_DYNAMIC, OMP_THREAD_LIMIT
/// or OMP_MAX_ACTIVE_LEVELS a team may be smaller than trainer.threads, and oneDNN's barrier waits for the missing
/// threads for ever. run.pin and trainer.threads decide instead.
void publish_ignored_settings();

}  // namespace runnel
