// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/context.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "transport/shared_memory.h"
#include "transport/status.h"
#include "transport/transport_list.h"
#include "transport/ucx_library.h"
#include "transport/ucx_setting.h"

namespace runnel {
namespace {

// A rendezvous threshold would drop cma from endpoints that detect a peer's death, and every get on one host would be
// emulated. The fence mode keeps a fence from flushing all peers.
constexpr EnvironmentSetting kSettings[] = {
    {"RNDV_THRESH", "inf"},
    {"KEEPALIVE_INTERVAL", "1s"},
    {"FENCE_MODE", "ep_based"},
};

// Without sysv: posix does the same, its segments are open to their user alone, and /dev/shm tells how much is free.
// Beside it, sysv only costs 2 MB a worker.
constexpr std::string_view kDefaultTransports = "^sysv";

// Slabs come from shared memory and nothing else: where that is short, UCX would fall back to private memory without a
// word, and every access by a peer on this host would be emulated.
constexpr const char* kSharedAllocation = "md:posix,md:sysv";

// Of each shared-memory transport that is selected. Without error handling UCX keeps it out of endpoints that detect a
// peer's death. Payload never goes through its queues and bounce buffers, only what connects endpoints: UCX's default
// of 512 buffers keeps 2 MB of each worker resident. With another allocation than the transport's own ("md"), a receive
// buffer for which shared memory is short comes from the heap, and UCX crashes on it.
constexpr EnvironmentSetting kSharedMemorySettings[] = {
    {"ERROR_HANDLING", "y"}, {"FIFO_SIZE", "32"}, {"RX_BUFS_GROW", "32"}, {"ALLOC", "md"}};

// By default UCX allocates nothing in /dev/shm once less than 16 MiB of it are free. `require_free_shared_memory`
// counts what is needed instead.
constexpr EnvironmentSetting kPosixMinimum = {"POSIX_SHM_MIN_SIZE", "0"};

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

/// Sets what the user's environment does not, and keeps account of what of a ucx.conf that overrides.
class Defaults {
 public:
  Defaults(ucp_config_t* config, std::vector<OverriddenSetting>& overridden)
      : config_(config), conf_(read_ucx_conf()), overridden_(overridden) {}

  void set(const std::string& name, const char* value) {
    if (std::getenv(("UCX_" + name).c_str()) != nullptr) return;
    modify(config_, name.c_str(), value);
    account("UCX_" + name, value);
  }

  /// A setting of a transport through shared memory. A name with MM_ sets it for all of them.
  void set_shared(const std::string& transport, const std::string& name, const char* value) {
    if (std::getenv(("UCX_" + transport + name).c_str()) != nullptr) return;
    if (std::getenv(("UCX_MM_" + name).c_str()) != nullptr) return;
    set(transport + name, value);
    account("UCX_MM_" + name, value);
  }

  /// `value` counts, whatever the files say.
  void account(const std::string& name, const std::string& value) {
    const auto found = conf_.find(name);
    if (found == conf_.end() || found->second.value == value) return;
    overridden_.push_back({.name = name, .value = found->second.value, .file = found->second.file, .chosen = value});
    conf_.erase(found);  // one report, though posix and sysv may both override it
  }

 private:
  ucp_config_t* config_;
  UcxConf conf_;
  std::vector<OverriddenSetting>& overridden_;
};

/// Settings of the transports through shared memory that are selected, of which `bytes` must be free.
void configure_shared_memory(Defaults& defaults, const TransportList& selected, std::size_t bytes) {
  for (const auto& [name, prefix] : {std::pair{"posix", "POSIX_"}, {"sysv", "SYSV_"}}) {
    if (!selected.selects(name)) continue;  // UCX warns of settings of a transport that is not selected
    for (const auto& [setting, value] : kSharedMemorySettings) defaults.set_shared(prefix, setting, value);
    defaults.set("ALLOC_PRIO", kSharedAllocation);
  }
  if (!selected.selects("posix")) return;
  defaults.set(kPosixMinimum.name, kPosixMinimum.value);
  require_free_shared_memory(bytes, "this process needs");
}

/// The process got them by its environment, which wins over a ucx.conf.
void account_for_settings_before_exec(Defaults& defaults) {
  for (const auto& [name, value] : kSettingsBeforeExec) {
    const char* has = std::getenv(name);
    if (has != nullptr && std::string_view(has) == value) defaults.account(name, value);
  }
}

ucp_params_t parameters_of(const ContextOptions& options) {
  ucp_params_t params = {};
  params.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_MT_WORKERS_SHARED | UCP_PARAM_FIELD_ESTIMATED_NUM_EPS |
                      UCP_PARAM_FIELD_NAME;
  params.features = UCP_FEATURE_RMA | UCP_FEATURE_WAKEUP;
  params.mt_workers_shared = options.shared_between_threads ? 1 : 0;
  params.estimated_num_eps = options.estimated_peers;
  params.name = "runnel";
  return params;
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
  require_supported_ucx();
  ucp_config_t* raw_config = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_config_read(nullptr, nullptr, &raw_config), "ucp_config_read"));
  const UcpConfigHandle config(raw_config);
  Defaults defaults(config.get(), overridden_);
  account_for_settings_before_exec(defaults);
  for (const auto& [name, value] : kSettings) defaults.set(name, value);
  std::string transports = options.transports;
  if (transports.empty()) transports = user_setting("TLS").value_or(std::string(kDefaultTransports));
  const TransportList selected(transports);
  uses_posix_ = selected.selects("posix");
  uses_shared_memory_ = uses_posix_ || selected.selects("sysv");
  configure_shared_memory(defaults, selected, options.shared_bytes);
  modify(config.get(), "TLS", transports.c_str());
  if (!options.interface.empty()) modify(config.get(), "NET_DEVICES", options.interface.c_str());

  const ucp_params_t params = parameters_of(options);
  ucp_context_h context = nullptr;
  const Status status = Status::from_ucx(ucp_init(&params, config.get(), &context), "ucp_init");
  if (!status.ok()) {
    throw TransportError(status.code(), "UCX starts with no transport (transports \"" + transports +
                                            "\", interface \"" + options.interface + "\"): " + status.message());
  }
  handle_.reset(context);
}

}  // namespace runnel
