// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/output_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/launch/line_prefix.h"

namespace runnel {
namespace {

OwnedFd make_event() {
  return OwnedFd::checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

void raise_event(const OwnedFd& event) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof one);
}

/// Writes all of it, also where `fd` does not wait. Returns errno, or 0.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd out = {.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&out, 1, -1);
      continue;
    }
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

struct Source {
  OwnedFd pipe;  // none after the end of the stream
  int target;
  LinePrefix lines;
  bool dropped_later;
};

}  // namespace

struct OutputRelay::Copying {
  std::vector<Source> sources;
  OwnedFd finishing = make_event();
  OwnedFd done = make_event();
  std::atomic<bool> dropping{false};
  std::atomic<int> error{0};

  void run() {
    bool last = false;
    while (!last) {
      std::vector<pollfd> fds = {{finishing.get(), POLLIN, 0}};
      for (const Source& source : sources) fds.push_back({source.pipe.get(), POLLIN, 0});
      poll(fds.data(), fds.size(), -1);
      last = fds[0].revents != 0;
      for (std::size_t i = 0; i < sources.size(); ++i) {
        if (last || fds[i + 1].revents != 0) relay(sources[i]);
      }
    }
    for (Source& source : sources) pass(source, source.lines.finish());
    raise_event(done);
  }

  /// What has come, but no more than the pipe holds: a process that writes without an end must let others come, and one
  /// that outlives its parent must not go on here.
  void relay(Source& source) {
    std::array<char, 65536> part{};
    auto left = std::max<std::ptrdiff_t>(0, fcntl(source.pipe.get(), F_GETPIPE_SZ));
    while (source.pipe.get() >= 0 && left > 0) {
      const ssize_t count = read(source.pipe.get(), part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      left -= count;
      if (count == 0) source.pipe = OwnedFd();
      pass(source,
           count == 0 ? source.lines.finish() : source.lines.pass({part.data(), static_cast<std::size_t>(count)}));
    }
  }

  void pass(Source& source, const std::string& lines) {
    if (lines.empty() || (source.dropped_later && dropping.load())) return;
    const int failure = write_all(source.target, lines);
    if (failure == 0) return;
    int none = 0;
    error.compare_exchange_strong(none, failure);
    source.pipe = OwnedFd();
  }
};

OutputRelay::OutputRelay() : copying_(std::make_shared<Copying>()) {}

OutputRelay::~OutputRelay() = default;

OwnedFd OutputRelay::add(int target, const std::string& prefix, bool dropped_later) {
  std::array<int, 2> ends = {-1, -1};
  const int result = pipe2(ends.data(), O_CLOEXEC);
  OwnedFd source = OwnedFd::checked(result == 0 ? ends[0] : -1, "pipe");
  OwnedFd sink(ends[1]);
  fcntl(source.get(), F_SETFL, O_NONBLOCK);
  copying_->sources.push_back({std::move(source), target, LinePrefix(prefix), dropped_later});
  return sink;
}

void OutputRelay::start() {
  std::thread([copying = copying_] { copying->run(); }).detach();
}

void OutputRelay::drop() {
  copying_->dropping.store(true);
}

void OutputRelay::finish() {
  raise_event(copying_->finishing);
}

int OutputRelay::done_fd() const {
  return copying_->done.get();
}

int OutputRelay::write_error() const {
  return copying_->error.load();
}

}  // namespace runnel
