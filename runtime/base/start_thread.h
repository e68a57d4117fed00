// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace runnel {

/// Starts a thread that calls `body`, which does not throw.
///
/// Throws `RunError` (71) when the system refuses another thread. Its text names `purpose`, "heartbeats" or a key of
/// the configuration, and the limit that is usually the cause. Any thread.
std::thread start_thread(const std::string& purpose, std::function<void()> body);

}  // namespace runnel
