// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/mpirun_messages.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace runnel {
namespace {

constexpr std::size_t kMaxHeldBytes = 16 << 10;

/// Open MPI has 74 dashes; PMIx' are fewer in some versions.
bool is_rule(std::string_view line) {
  return line.size() >= 40 && std::ranges::all_of(line, [](char c) { return c == '-'; });
}

/// "[host:pid] …", with a process id or with the name of a process, "[host:00042]". A line of Runnel begins with
/// "[trainer 0]", one of UCX with two numbers.
bool has_mpi_prefix(std::string_view line) {
  const std::size_t end = line.find(']');
  if (!line.starts_with('[') || end == line.npos) return false;
  const std::string_view name = line.substr(1, end - 1);
  const std::size_t colon = name.rfind(':');
  if (colon == name.npos || colon + 1 == name.size()) return false;
  return std::ranges::all_of(name.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string MessageFilter::pass(std::string_view part) {
  std::string passed;
  partial_ += part;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(partial_).substr(begin, end - begin);
    if (!belongs_to_mpi(line)) passed.append(line).append(1, '\n');
  }
  partial_.erase(0, begin);
  return passed;
}

std::string MessageFilter::finish() {
  const std::string line = std::exchange(partial_, {});
  return line.empty() || belongs_to_mpi(line) ? std::string() : line;
}

bool MessageFilter::belongs_to_mpi(std::string_view line) {
  if (is_rule(line)) {
    in_block_ = !in_block_;
    return true;
  }
  if (!in_block_ && !has_mpi_prefix(line) && !line.starts_with("*** ")) return false;
  if (line.find_first_not_of(' ') != line.npos) hold(line);
  return true;
}

void MessageFilter::hold(std::string_view line) {
  if (held_.size() + line.size() < kMaxHeldBytes) held_.append(line).append(1, '\n');
  // Versions break these sentences at different words.
  const std::string joined = last_line_.append(1, ' ').append(line);
  reports_signal_of_rank_ = reports_signal_of_rank_ || joined.find(" exited on signal ") != joined.npos;
  reports_end_of_rank_ =
      reports_end_of_rank_ || reports_signal_of_rank_ || joined.find(" non-zero exit code") != joined.npos;
  last_line_ = line;
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EAGAIN) {
      pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      poll(&out, 1, 100);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads it
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

MpirunMessages::MpirunMessages() {
  std::array<int, 2> ends = {-1, -1};
  const int result = pipe2(ends.data(), O_CLOEXEC);
  source_ = OwnedFd::checked(result == 0 ? ends[0] : -1, "pipe");
  sink_ = OwnedFd(ends[1]);
  fcntl(source_.get(), F_SETFL, O_NONBLOCK);
}

void MpirunMessages::relay() {
  std::array<char, 16384> part{};
  while (source_.get() >= 0) {
    const ssize_t count = read(source_.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    if (count == 0) source_ = OwnedFd();
    write_to_stderr(count == 0 ? filter_.finish() : filter_.pass({part.data(), static_cast<std::size_t>(count)}));
  }
}

}  // namespace runnel
