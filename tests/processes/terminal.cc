// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/processes/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace runnel::test {

Terminal::Terminal() : master_(OwnedFd::checked(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt")) {
  EXPECT_EQ(grantpt(master_.get()), 0);
  EXPECT_EQ(unlockpt(master_.get()), 0);
  std::array<char, 64> name{};
  EXPECT_EQ(ptsname_r(master_.get(), name.data(), name.size()), 0);
  name_ = name.data();
  slave_ = OwnedFd::checked(open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC), name_.c_str());
  reader_ = std::thread([this] { read_all(); });
}

Terminal::~Terminal() {
  ending_.store(true);
  reader_.join();
}

void Terminal::type(const std::string& keys) {
  EXPECT_EQ(write(master_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

std::string Terminal::output() const {
  const std::lock_guard lock(mutex_);
  return output_;
}

void Terminal::await(const std::string& text, std::size_t from) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < until) {
    if (output().find(text, from) != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL() << "no '" << text << "' on the terminal:\n" << output();
}

void Terminal::read_all() {
  while (!ending_.load()) {
    pollfd readable = {.fd = master_.get(), .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, 20) <= 0) continue;
    std::array<char, 4096> part{};
    const ssize_t count = read(master_.get(), part.data(), part.size());
    if (count <= 0) continue;
    const std::lock_guard lock(mutex_);
    output_.append(part.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace runnel::test
