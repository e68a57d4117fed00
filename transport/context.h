// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "transport/ucx_conf.h"
#include "transport/ucx_handle.h"

namespace runnel {

struct ContextOptions {
  /// UCX_TLS for this context, for example "tcp". Empty: as the user's environment or ucx.conf says, or else all but
  /// sysv.
  std::string transports = {};

  /// UCX_NET_DEVICES for this context, for example "lo". Empty: as the user's environment or ucx.conf says, or
  /// else every interface.
  std::string interface = {};

  /// Peers this process will connect to; sizes UCX's tables, is not a limit.
  std::size_t estimated_peers = 1;

  /// Shared memory that this process will take: its slabs and, for each worker, kWorkerSharedBytes. Where the context
  /// uses /dev/shm, that much must be free before UCX starts. 0: the caller does not know.
  std::size_t shared_bytes = 0;

  /// True when more than one Worker will be made of the context, each with its own thread.
  bool shared_between_threads = false;
};

/// An environment variable and the value it should have.
struct EnvironmentSetting {
  const char* name;
  const char* value;
};

/// A setting of a ucx.conf that counts for nothing, as Runnel needs another value.
struct OverriddenSetting {
  std::string name;   ///< "UCX_RNDV_THRESH"
  std::string value;  ///< the file's
  std::filesystem::path file;
  std::string chosen;  ///< Runnel's
};

/// Variables that UCX reads while its library loads, too early for `Context` to set them: whoever starts a process puts
/// them into its environment before exec, unless the user already has.
std::span<const EnvironmentSetting> settings_before_exec();

/// The version of the UCX library in use, for example "1.22.0".
std::string ucx_version();

/// UCX's context: the transports and devices that this process uses.
///
/// Configures what Runnel's protocol needs (peer-failure detection on shared memory, one-sided gets on one host, a
/// one-second keepalive); a UCX_* variable that the user has set wins, and an option above wins over both.
/// A setting of a ucx.conf does not win, but for UCX_TLS and UCX_NET_DEVICES.
/// Outlives everything made from it. Thread: any one during construction; workers of a context that is
/// `shared_between_threads` may then run on different threads.
class Context {
 public:
  /// Throws `TransportError`: unreachable when the options leave no transport, invalid when UCX rejects a value,
  /// out_of_memory when /dev/shm has fewer than `shared_bytes` free, and as `require_supported_ucx`.
  explicit Context(const ContextOptions& options);

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Whether a Slab comes from shared memory, as the selected transports include posix or sysv.
  bool uses_shared_memory() const { return uses_shared_memory_; }

  /// Whether workers and slabs take memory of /dev/shm: posix is selected.
  bool uses_posix() const { return uses_posix_; }

  /// Without UCX_TLS and UCX_NET_DEVICES: see `ucx_conf_setting`.
  const std::vector<OverriddenSetting>& overridden_settings() const { return overridden_; }

  ucp_context* handle() const { return handle_.get(); }

 private:
  UcpContextHandle handle_;
  bool uses_shared_memory_ = false;
  bool uses_posix_ = false;
  std::vector<OverriddenSetting> overridden_;
};

}  // namespace runnel
