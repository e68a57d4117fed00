// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "transport/owned_fd.h"

namespace runnel {

/// Copies what child processes write to this process's own outputs, line by line with prefixes, in a thread: whoever
/// waits for the children goes on when nobody reads the outputs. An output that cannot be written is closed towards the
/// children, which then get the same error as if they had written to it themselves.
class OutputRelay {
 public:
  OutputRelay();

  /// Without `finish` before, what was not written yet is lost.
  ~OutputRelay();

  OutputRelay(const OutputRelay&) = delete;
  OutputRelay& operator=(const OutputRelay&) = delete;

  /// A pipe for a child's output, each line of which goes to `target`, a descriptor, after `prefix`. `dropped_later`:
  /// none of it is passed on after `drop`. Throws `TransportError` when descriptors are short. Before `start`.
  OwnedFd add(int target, const std::string& prefix, bool dropped_later);

  /// Starts to copy. Signals that are to be read elsewhere are blocked in the calling thread by now.
  void start();

  /// From now on the pipes that are `dropped_later` are read only.
  void drop();

  /// No child is left: what the pipes still hold is written, then `done_fd` becomes readable. Does not wait.
  void finish();
  int done_fd() const;

  /// errno of the first write that failed, once `done_fd` is readable; 0: none did.
  int write_error() const;

 private:
  struct Copying;
  std::shared_ptr<Copying> copying_;  // the thread's as well: it may hang in a write when this is destroyed
};

}  // namespace runnel
