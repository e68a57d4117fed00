// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transport/completion_queue.h"
#include "transport/endpoint_state.h"
#include "transport/ring_state.h"

namespace runnel {

class OperationPool;

/// One request of a CompletionQueue on its way: payload, then flush, then bell, then flush. Private to transport/.
struct Operation {
  OperationPool* pool = nullptr;
  Operation* next = nullptr;  ///< in the pool's free or done list, or among those that wait for a bell
  EndpointState* endpoint = nullptr;
  RingState* bell = nullptr;      ///< null when the request rings none; the endpoint keeps it alive
  std::uint64_t puts_posted = 0;  ///< of the endpoint, when the flush was posted
  unsigned outstanding = 0;       ///< UCX requests whose callbacks are still to come
  Completion completion;          ///< as it will be reported; its status is the first failure so far
};

/// The operations of one CompletionQueue, made once, and what moves them from stage to stage. Outlives the queue: UCX
/// may complete an operation until its worker is destroyed.
class OperationPool {
 public:
  OperationPool(Context& context, std::size_t operations);

  /// A free operation towards `endpoint`, or null when all are in use.
  Operation* take(EndpointState& endpoint, CompletionKind kind, std::uint64_t tag);

  /// The oldest finished operation's completion into `completion`; false when there is none.
  bool pop(Completion& completion);

  std::size_t in_use() const { return in_use_; }

  void post_put(Operation& operation, const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source,
                ucp_mem_h memory);
  void post_get(Operation& operation, const RemoteRegion& region, std::size_t offset, std::span<std::byte> target,
                ucp_mem_h memory);

  /// To be called once everything that begins `operation` is posted: flushes if a bell must wait for it.
  void begin_ring(Operation& operation);

  /// Counts one posted thing of `operation` as done; moves on when it was the last.
  void release(Operation& operation);

 private:
  using Callback = void (*)(void* request, ucs_status_t status, void* operation);

  static void on_complete(void* request, ucs_status_t status, void* operation);
  void note(Operation& operation, ucs_status_ptr_t request, const char* name);
  void flush(Operation& operation);
  void advance(Operation& operation);
  void join_bell(Operation& operation);
  void start_ring(RingState& bell);
  void end_ring(RingState& bell);
  void finish(Operation& operation);

  std::vector<Operation> operations_;
  Slab words_slab_;                 // pages of its own: a process with a GPU pins them, which no page can be twice
  std::span<std::uint64_t> words_;  // in that; operation i puts a bell's value from words_[i]
  Operation* free_ = nullptr;
  Operation* done_first_ = nullptr;
  Operation* done_last_ = nullptr;
  std::size_t in_use_ = 0;
};

}  // namespace runnel
