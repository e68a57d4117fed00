// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "transport/owned_fd.h"

namespace runnel {

/// Separates Open MPI's own messages from the lines of the ranks, which come through mpirun's standard error as well.
///
/// Its messages are blocks between two rules of dashes, lines that begin with "[host:pid]", and lines that begin with
/// "*** ". Ranks report themselves what ends a run, so these are needed only when no rank has.
class MessageFilter {
 public:
  /// Takes a part of the stream, of any length. Gives the complete lines that are not Open MPI's.
  std::string pass(std::string_view part);

  /// Gives the last line, if it has no end.
  std::string finish();

  /// Open MPI's messages so far, without rules and empty lines: at most the first 16 KiB.
  const std::string& held() const { return held_; }

  /// Whether one of the messages so far is that a rank ended by a signal or with a status. Statuses do not tell: those
  /// of mpirun's own errors go over 128 as well, such as 132 or 183 for a program that it could not start.
  bool reports_end_of_rank() const { return reports_end_of_rank_; }

  /// Whether one of them is that a signal killed a rank.
  bool reports_signal_of_rank() const { return reports_signal_of_rank_; }

 private:
  bool belongs_to_mpi(std::string_view line);
  void hold(std::string_view line);

  std::string partial_;
  std::string held_;
  std::string last_line_;
  bool reports_end_of_rank_ = false;
  bool reports_signal_of_rank_ = false;
  bool in_block_ = false;
};

/// Writes all of it, also where standard error does not wait. Gives up when nobody reads it.
void write_to_stderr(std::string_view text);

/// The standard error of mpirun: a pipe whose contents this process filters and writes to its own.
class MpirunMessages {
 public:
  /// Throws `TransportError` when descriptors are short.
  MpirunMessages();

  /// What mpirun gets as its standard error. To be closed here once mpirun has it, or the stream has no end.
  int sink() const { return sink_.get(); }
  void close_sink() { sink_ = OwnedFd(); }

  /// Readable when `relay` has something to do; -1 after the end of the stream.
  int fd() const { return source_.get(); }

  /// Writes what has come to standard error. Does not wait for more.
  void relay();

  const std::string& held() const { return filter_.held(); }
  bool reports_end_of_rank() const { return filter_.reports_end_of_rank(); }
  bool reports_signal_of_rank() const { return filter_.reports_signal_of_rank(); }

 private:
  OwnedFd source_;
  OwnedFd sink_;
  MessageFilter filter_;
};

}  // namespace runnel
