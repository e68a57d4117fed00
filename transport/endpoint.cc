// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/endpoint.h"

#include <array>
#include <chrono>

#include "transport/log.h"

namespace runnel {
namespace {

// What a forced close needs to drop the operations in flight; it does not wait for the peer.
constexpr std::chrono::milliseconds kForcedCloseTime{500};

}  // namespace

Endpoint::Endpoint(Worker& worker, std::span<const std::byte> peer_address) : worker_(worker) {
  worker.assert_thread();
  ucp_ep_params_t params = {};
  params.field_mask =
      UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE | UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(peer_address.data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler = {&Endpoint::on_error, this};
  throw_unless_ok(Status::from_ucx(ucp_ep_create(worker.handle(), &params, &handle_), "ucp_ep_create"));
}

Endpoint::~Endpoint() {
  if (!closed_) close_by_force(Deadline::after(kForcedCloseTime));
}

void Endpoint::on_error(void* self, ucp_ep_h, ucs_status_t status) {
  auto* endpoint = static_cast<Endpoint*>(self);
  // Whatever UCX calls it, the peer cannot be reached any more.
  if (endpoint->error_.ok()) endpoint->error_ = Status(StatusCode::peer_lost, "endpoint", status);
}

Status Endpoint::flush(const Deadline& deadline) {
  worker_.assert_thread();
  if (lost()) return Status(StatusCode::peer_lost, "flush", error_.ucx_code());
  const ucp_request_param_t params = {};
  const Status status = worker_.wait(ucp_ep_flush_nbx(handle_, &params), "ucp_ep_flush", deadline);
  return lost() ? Status(StatusCode::peer_lost, "flush", error_.ucx_code()) : status;
}

std::vector<std::string> Endpoint::transports() const {
  worker_.assert_thread();
  if (lost()) return {};
  std::array<ucp_transport_entry_t, 16> entries = {};
  ucp_ep_attr_t attributes = {};
  attributes.field_mask = UCP_EP_ATTR_FIELD_TRANSPORTS;
  attributes.transports.entries = entries.data();
  attributes.transports.num_entries = entries.size();
  attributes.transports.entry_size = sizeof(ucp_transport_entry_t);
  throw_unless_ok(Status::from_ucx(ucp_ep_query(handle_, &attributes), "ucp_ep_query"));
  std::vector<std::string> names;
  for (unsigned i = 0; i < attributes.transports.num_entries; ++i) {
    names.push_back(std::string(entries[i].transport_name) + "/" + entries[i].device_name);
  }
  return names;
}

Status Endpoint::close(const Deadline& deadline) {
  worker_.assert_thread();
  if (closed_) return Status();
  const Status flushed = flush(deadline);
  if (!flushed.ok()) {
    close_by_force(Deadline::after(kForcedCloseTime));
    return flushed;
  }
  const ucp_request_param_t params = {};
  // Everything is flushed: what is left is to disconnect, which a peer that exits at the same time may fail.
  const Status closed = worker_.wait(ucp_ep_close_nbx(handle_, &params), "ucp_ep_close", deadline);
  if (!closed.ok()) log_debug("a peer was gone before it was disconnected: " + closed.message());
  closed_ = true;
  kept_.clear();
  return flushed;
}

void Endpoint::close_by_force(const Deadline& deadline) {
  ucp_request_param_t params = {};
  params.op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS;
  params.flags = UCP_EP_CLOSE_FLAG_FORCE;
  const Status closed = worker_.wait(ucp_ep_close_nbx(handle_, &params), "ucp_ep_close", deadline);
  if (!closed.ok()) log_debug("a forced close ended with " + closed.message());
  closed_ = true;
  kept_.clear();
}

}  // namespace runnel
