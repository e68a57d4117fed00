// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/endpoint.h"

#include <array>
#include <chrono>

#include "transport/endpoint_state.h"
#include "transport/ring_state.h"

namespace runnel {
namespace {

// What a forced close needs to drop the operations in flight; it does not wait for the peer.
constexpr std::chrono::milliseconds kForcedCloseTime{500};

void on_error(void* state, ucp_ep_h, ucs_status_t status) {
  Status& error = static_cast<EndpointState*>(state)->error;
  // Whatever UCX calls it, the peer cannot be reached any more.
  if (error.ok()) error = Status(StatusCode::peer_lost, "endpoint", status);
}

}  // namespace

Endpoint::Endpoint(Worker& worker, std::span<const std::byte> peer_address)
    : worker_(worker), state_(std::make_shared<EndpointState>()) {
  worker.assert_thread();
  ucp_ep_params_t params = {};
  params.field_mask =
      UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE | UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(peer_address.data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler = {&on_error, state_.get()};
  throw_unless_ok(Status::from_ucx(ucp_ep_create(worker.handle(), &params, &state_->handle), "ucp_ep_create"));
}

Endpoint::~Endpoint() {
  if (!state_->closed) disconnect(UCP_EP_CLOSE_FLAG_FORCE, Deadline::after(kForcedCloseTime));
}

bool Endpoint::lost() const {
  return state_->lost();
}

Status Endpoint::error() const {
  return state_->error;
}

Status Endpoint::flush(const Deadline& deadline) {
  worker_.assert_thread();
  if (lost()) return Status(StatusCode::peer_lost, "flush", state_->error.ucx_code());
  const ucp_request_param_t params = {};
  const Status status = worker_.wait(ucp_ep_flush_nbx(state_->handle, &params), "ucp_ep_flush", deadline);
  return lost() ? Status(StatusCode::peer_lost, "flush", state_->error.ucx_code()) : status;
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
  throw_unless_ok(Status::from_ucx(ucp_ep_query(state_->handle, &attributes), "ucp_ep_query"));
  std::vector<std::string> names;
  for (unsigned i = 0; i < attributes.transports.num_entries; ++i) {
    names.push_back(std::string(entries[i].transport_name) + "/" + entries[i].device_name);
  }
  return names;
}

Status Endpoint::close(const Deadline& deadline) {
  worker_.assert_thread();
  if (state_->closed) return Status();
  const Status flushed = flush(deadline);
  // What is flushed needs no more than a disconnect, which takes no longer than a forced close. UCX lets nobody force
  // that later: an endpoint is closed once.
  disconnect(flushed.ok() ? 0 : UCP_EP_CLOSE_FLAG_FORCE, Deadline::after(kForcedCloseTime));
  return flushed;
}

void Endpoint::disconnect(unsigned flags, const Deadline& deadline) {
  state_->closed = true;
  ucp_request_param_t params = {};
  params.op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS;
  params.flags = flags;
  const Status status = worker_.wait(ucp_ep_close_nbx(state_->handle, &params), "ucp_ep_close", deadline);
  // Nothing is posted any more. Keys come from the worker's memory, so none may outlive it.
  state_->keys.clear();
  for (const auto& bell : state_->bells) bell->key.reset();
  // UCX may still complete operations, which refer to the state and its bells. Other failures are of no interest: a
  // peer that exits at the same time makes them.
  if (status.code() == StatusCode::deadline_exceeded) worker_.keep(state_);
}

}  // namespace runnel
