// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace runnel {

/// What went wrong, in the words that callers act upon.
enum class StatusCode : std::uint8_t {
  ok,
  in_progress,        ///< not yet; never an error
  deadline_exceeded,  ///< the caller's deadline passed
  interrupted,        ///< `Waiter::interrupt` was called
  peer_lost,          ///< the peer is gone, or its endpoint failed: post nothing to it any more
  canceled,           ///< the operation was dropped by a forced close of its endpoint
  queue_full,         ///< every operation slot is in flight: poll, then try again
  out_of_range,       ///< a request leaves its region or slab; refused before UCX sees it
  misaligned,         ///< an offset or size is not a multiple of what the request needs; refused likewise
  out_of_memory,      ///< memory, shared memory or another limited resource is short
  unsupported,        ///< this build, machine or memory kind cannot do it
  unreachable,        ///< no transport leads to the peer
  invalid,            ///< an argument or a wire record is not well formed
  internal,           ///< UCX reported what no caller can act upon
};

/// The code's name as it appears in messages, for example "peer_lost".
std::string_view to_string(StatusCode code);

/// The outcome of a request on the step path: a code, UCX's own code (0 when UCX was not involved) and the name of the
/// operation. Trivially copyable, allocates nothing; only `message` does.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;

  /// `operation` must have static storage duration: it is kept by pointer.
  constexpr Status(StatusCode code, const char* operation, int ucx_code = 0)
      : operation_(operation), ucx_code_(ucx_code), code_(code) {}

  /// Maps a `ucs_status_t`; the only place where UCX's codes are translated.
  static Status from_ucx(int ucx_code, const char* operation);

  constexpr bool ok() const { return code_ == StatusCode::ok; }
  constexpr StatusCode code() const { return code_; }
  constexpr int ucx_code() const { return ucx_code_; }
  constexpr const char* operation() const { return operation_; }

  /// One line: operation, code and UCX's text, for example "ucp_put: peer_lost (Connection reset by remote peer)".
  std::string message() const;

 private:
  const char* operation_ = "";
  int ucx_code_ = 0;
  StatusCode code_ = StatusCode::ok;
};

/// What set-up throws: a Status's code with a message made for a person.
class TransportError : public std::runtime_error {
 public:
  TransportError(StatusCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  explicit TransportError(const Status& status) : TransportError(status.code(), status.message()) {}

  StatusCode code() const { return code_; }

 private:
  StatusCode code_;
};

/// Throws `status` as a TransportError unless it is ok. For set-up only.
void throw_unless_ok(const Status& status);

}  // namespace runnel
