// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/status.h"

#include <ucs/type/status.h>

namespace runnel {
namespace {

// NOLINTNEXTLINE(readability-function-size): one switch maps all codes.
StatusCode code_from_ucx(ucs_status_t status) {
  switch (status) {
    case UCS_OK:
      return StatusCode::ok;
    case UCS_INPROGRESS:
    case UCS_ERR_BUSY:
      return StatusCode::in_progress;
    case UCS_ERR_TIMED_OUT:
      return StatusCode::deadline_exceeded;
    case UCS_ERR_CANCELED:
      return StatusCode::canceled;
    case UCS_ERR_CONNECTION_RESET:
    case UCS_ERR_NOT_CONNECTED:
    case UCS_ERR_ENDPOINT_TIMEOUT:
    case UCS_ERR_REJECTED:
      return StatusCode::peer_lost;
    case UCS_ERR_UNREACHABLE:
    case UCS_ERR_NO_DEVICE:
      return StatusCode::unreachable;
    case UCS_ERR_NO_MEMORY:
    case UCS_ERR_NO_RESOURCE:
    case UCS_ERR_EXCEEDS_LIMIT:
      return StatusCode::out_of_memory;
    case UCS_ERR_UNSUPPORTED:
    case UCS_ERR_NOT_IMPLEMENTED:
      return StatusCode::unsupported;
    case UCS_ERR_INVALID_PARAM:
    case UCS_ERR_INVALID_ADDR:
      return StatusCode::invalid;
    default:
      // A transport that fails in its own way (UCS_ERR_*_LINK_FAILURE, UCS_ERR_*_ENDPOINT_FAILURE) has lost the peer.
      return UCS_IS_LINK_ERROR(status) || UCS_IS_ENDPOINT_ERROR(status) ? StatusCode::peer_lost : StatusCode::internal;
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): one switch names all codes.
std::string_view to_string(StatusCode code) {
  switch (code) {
    case StatusCode::ok:
      return "ok";
    case StatusCode::in_progress:
      return "in_progress";
    case StatusCode::deadline_exceeded:
      return "deadline_exceeded";
    case StatusCode::interrupted:
      return "interrupted";
    case StatusCode::peer_lost:
      return "peer_lost";
    case StatusCode::canceled:
      return "canceled";
    case StatusCode::queue_full:
      return "queue_full";
    case StatusCode::out_of_range:
      return "out_of_range";
    case StatusCode::misaligned:
      return "misaligned";
    case StatusCode::out_of_memory:
      return "out_of_memory";
    case StatusCode::unsupported:
      return "unsupported";
    case StatusCode::unreachable:
      return "unreachable";
    case StatusCode::invalid:
      return "invalid";
    case StatusCode::internal:
      return "internal";
  }
  return "unknown";
}

Status Status::from_ucx(int ucx_code, const char* operation) {
  return Status(code_from_ucx(static_cast<ucs_status_t>(ucx_code)), operation, ucx_code);
}

std::string Status::message() const {
  std::string text;
  if (*operation_ != '\0') text = std::string(operation_) + ": ";
  text += to_string(code_);
  if (ucx_code_ != 0) {
    text += std::string(" (UCX: ") + ucs_status_string(static_cast<ucs_status_t>(ucx_code_)) + ")";
  }
  return text;
}

void throw_unless_ok(const Status& status) {
  if (!status.ok()) throw TransportError(status);
}

}  // namespace runnel
