// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/context.h"

#include <cstdlib>
#include <string_view>

#include "transport/status.h"

namespace runnel {
namespace {

// UCX drops a transport that cannot tell of a peer's death from endpoints with error handling: the first two keep
// shared memory. A rendezvous threshold would drop cma likewise, and every get on one host would be emulated. The fence
// mode keeps a fence from flushing all peers. Slabs come from posix shared memory rather than sysv, as its segments are
// open to their user alone and /dev/shm tells how much is free.
constexpr EnvironmentSetting kSettings[] = {
    {"UCX_POSIX_ERROR_HANDLING", "y"}, {"UCX_SYSV_ERROR_HANDLING", "y"},
    {"UCX_RNDV_THRESH", "inf"},        {"UCX_KEEPALIVE_INTERVAL", "1s"},
    {"UCX_FENCE_MODE", "ep_based"},    {"UCX_ALLOC_PRIO", "md:posix,md:sysv,thp,md:*,mmap,heap"},
    {"UCX_WARN_UNUSED_ENV_VARS", "n"},
};

// Memory events hook the process's allocator, which a process that registers its memory once has no use for; the error
// handler would replace the program's own signal handlers.
constexpr EnvironmentSetting kSettingsBeforeExec[] = {{"UCX_MEM_EVENTS", "n"}, {"UCX_HANDLE_ERRORS", "none"}};

void modify(ucp_config_t* config, const char* name, const char* value) {
  const Status status = Status::from_ucx(ucp_config_modify(config, name, value), "ucp_config_modify");
  if (!status.ok()) {
    throw TransportError(StatusCode::invalid,
                         "UCX rejects UCX_" + std::string(name) + "=" + value + ": " + status.message());
  }
}

/// Whether the transport list `tls` (UCX_TLS: names, aliases, "^" for all but these) selects posix or sysv.
bool selects_shared_memory(std::string_view tls) {
  const bool negated = tls.starts_with('^');
  if (negated) tls.remove_prefix(1);
  bool named = tls.empty();
  while (!tls.empty()) {
    const std::string_view name = tls.substr(0, tls.find(','));
    tls.remove_prefix(std::min(tls.size(), name.size() + 1));
    for (const std::string_view shared : {"all", "sm", "shm", "mm", "posix", "sysv", "\\posix", "\\sysv"})
      named |= name == shared;
  }
  return named != negated;
}

}  // namespace

std::span<const EnvironmentSetting> settings_before_exec() {
  return kSettingsBeforeExec;
}

std::string ucx_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  ucp_get_version(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

Context::Context(const ContextOptions& options) {
  // Through the environment, as some of these belong to transports that may not be selected: given to
  // `ucp_config_modify` UCX 1.19 calls them invalid.
  for (const auto& [name, value] : kSettings) setenv(name, value, 0);
  ucp_config_t* raw_config = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_config_read(nullptr, nullptr, &raw_config), "ucp_config_read"));
  const UcpConfigHandle config(raw_config);
  if (!options.transports.empty()) modify(config.get(), "TLS", options.transports.c_str());
  if (!options.interface.empty()) modify(config.get(), "NET_DEVICES", options.interface.c_str());

  ucp_params_t params = {};
  params.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_MT_WORKERS_SHARED | UCP_PARAM_FIELD_ESTIMATED_NUM_EPS |
                      UCP_PARAM_FIELD_NAME;
  params.features = UCP_FEATURE_RMA | UCP_FEATURE_WAKEUP;
  params.mt_workers_shared = options.shared_between_threads ? 1 : 0;
  params.estimated_num_eps = options.estimated_peers;
  params.name = "runnel";
  ucp_context_h context = nullptr;
  const Status status = Status::from_ucx(ucp_init(&params, config.get(), &context), "ucp_init");
  if (!status.ok()) {
    throw TransportError(status.code(), "UCX starts with no transport (transports \"" + options.transports +
                                            "\", interface \"" + options.interface + "\"): " + status.message());
  }
  handle_.reset(context);
  const char* environment = std::getenv("UCX_TLS");
  uses_shared_memory_ = selects_shared_memory(!options.transports.empty() ? options.transports
                                              : environment != nullptr    ? environment
                                                                          : "");
}

}  // namespace runnel
