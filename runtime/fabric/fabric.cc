// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/fabric.h"

#include <algorithm>

#include "runtime/bootstrap/rdma_ports.h"
#include "runtime/protocol/control_layout.h"
#include "transport/log.h"
#include "transport/shared_memory.h"
#include "transport/ucx_setting.h"

namespace runnel {
namespace {

/// The devices that UCX may use, by UCX's names. RDMA devices are no IP interfaces: they are named after the
/// interface, and UCX prefers them.
std::string network_devices(const PeerGroup& group, const std::string& interface) {
  if (interface != "auto") return interface;
  std::vector<Host> hosts;
  for (const Peer& peer : group.all()) hosts.push_back(peer.host);
  std::string devices = choose_interface(group.self().host, hosts);
  if (devices.empty() || group.one_host() || !ucx_has_rdma()) return devices;
  for (const std::string& port : rdma_ports()) devices += "," + port;
  return devices;
}

/// A site's ucx.conf counts as the user's own choice where the configuration leaves one.
void report_overridden(const ContextOptions& options) {
  struct Setting {
    const char* name;
    const char* key;
    const std::string& chosen;
  };
  for (const auto& [name, key, chosen] : {Setting{"TLS", "transport.path", options.transports},
                                          Setting{"NET_DEVICES", "transport.interface", options.interface}}) {
    const auto site = chosen.empty() ? std::nullopt : ucx_conf_setting(name);
    if (!site || *site == chosen) continue;
    log_warning("UCX_" + std::string(name) + "=" + *site + " of ucx.conf is overridden: " + key + " gives \"" + chosen +
                "\"");
  }
}

/// Settings of a ucx.conf that Runnel decides itself.
void report_overridden(const Context& context) {
  for (const auto& [name, value, file, chosen] : context.overridden_settings()) {
    log_warning(name + "=" + value + " of " + file.string() + " is overridden: Runnel sets \"" + chosen +
                "\"; to decide it yourself, set " + name + " in the environment");
  }
}

ContextOptions context_options(const PeerGroup& group, const TransportConfig& config, const Device* device,
                               std::size_t slab_bytes) {
  const MemoryKind kind = device == nullptr ? MemoryKind::host : device->kind();
  ContextOptions options = config.path ? context_options_for(*config.path, kind) : ContextOptions{};
  options.interface = network_devices(group, config.interface);
  options.estimated_peers = group.all().size();
  options.shared_between_threads = true;  // the heartbeat thread has a worker of its own
  if (group.is_lead()) report_overridden(options);
  options.shared_bytes = slab_bytes + 2 * kWorkerSharedBytes;
  return options;
}

/// Throws `RunError` (78) when what the user has set leaves no transport.
Context make_context(const ContextOptions& options) {
  try {
    return Context(options);
  } catch (const TransportError& error) {
    if (error.code() != StatusCode::unreachable) throw;
    throw RunError(ExitStatus::bad_configuration,
                   std::string(error.what()) + "; unset UCX_TLS and UCX_NET_DEVICES, or correct transport.interface");
  }
}

MappingPolicy policy_for(const TransportConfig& config) {
  return config.path ? mapping_policy_for(*config.path) : MappingPolicy::when_possible;
}

/// Trainers wait a little longer than the lead generator, which knows who is late and says so; the other generators
/// twice as long, because a wait for the next step includes a test before it.
std::chrono::nanoseconds timeout_for(const PeerGroup& group, double timeout_s) {
  const bool leads = group.is_lead();
  const double times = leads || group.self().role == Role::trainer ? 1 : 2;
  const std::chrono::duration<double> timeout(times * timeout_s + (leads ? 0 : 2));
  return std::chrono::duration_cast<std::chrono::nanoseconds>(timeout);
}

/// Generators write the last checkpoint, also after a loss.
EndPolicy end_policy(const PeerGroup& group, const CheckpointConfig& config) {
  EndPolicy policy;
  if (!config.is_on()) return policy;
  if (config.on_signal) policy.wish_grace = config.grace();
  if (group.self().role == Role::generator) policy.loss_grace = std::max(config.grace(), EndPolicy::kGraceAfterLoss);
  return policy;
}

std::size_t trace_bytes(const Config& config) {
  return config.run.trace.empty() ? 0 : Trace::bytes_for(kTraceEvents);
}

/// UCX looks for the device of the thread that makes its context.
Device* bound(Device* device) {
  if (device != nullptr) device->bind_thread();
  return device;
}

}  // namespace

Fabric::Fabric(const PeerGroup& group, const Config& config, std::size_t control_bytes, std::size_t operations,
               const Deadline& bootstrap, Device* device, std::size_t tensor_bytes, const ProcessPolicy& process)
    : blocked_(process.owned ? std::make_optional<BlockedStopSignals>() : std::nullopt),
      held_(process.owned ? nullptr : std::make_unique<HeldSignals>()),
      group_(group),
      device_(bound(device)),
      mapping_policy_(policy_for(config.transport)),
      context_(make_context(
          context_options(group, config.transport, device, control_bytes + trace_bytes(config) + tensor_bytes))),
      worker_(context_),
      control_(Slab::allocate(context_, control_bytes)),
      liveness_(context_, group, process, end_policy(group, config.checkpoint)),
      loop_(worker_, operations, ParkWord(control_.bytes(), kParkOffset), group, liveness_, bootstrap,
            timeout_for(group, config.run.timeout_s)) {
  held_.reset();
  if (group.is_lead()) report_overridden(context_);
  if (!config.run.trace.empty()) {
    trace_slab_ = Slab::allocate(context_, trace_bytes(config));
    trace_ = Trace(trace_slab_->bytes());
  }
}

ConnectionOffer Fabric::offer() const {
  ConnectionOffer offer;
  offer.data_address = worker_.address();
  offer.control = control_.descriptor();
  if (trace_slab_) offer.trace = trace_slab_->descriptor();
  liveness_.add_to(offer);
  return offer;
}

Endpoint Fabric::connect(const Peer& peer, const ConnectionOffer& offer) {
  try {
    return {worker_, offer.data_address};
  } catch (const TransportError& error) {
    if (error.code() != StatusCode::unreachable) throw;
    throw RunError(ExitStatus::peer_lost,
                   "no transport leads to " + peer.name + " rank=" + std::to_string(group_.self().rank) +
                       " peer=" + std::to_string(peer.rank) + " host=" + peer.host.name +
                       " phase=bootstrap cause=" + error.what() +
                       "; name an interface in transport.interface that both hosts have in one network, and unset "
                       "UCX_TLS and UCX_NET_DEVICES");
  }
}

void Fabric::fail(StopCause cause) {
  constexpr std::chrono::milliseconds kMoment{100};  // within the grace that the heartbeats give
  liveness_.fail(cause);
  if (!worker().is_owned_by_this_thread()) return;
  const Deadline deadline = Deadline::after(kMoment);
  while (loop_.queue().in_flight() > 0 && !deadline.expired()) loop_.drop_completions();
}

}  // namespace runnel
