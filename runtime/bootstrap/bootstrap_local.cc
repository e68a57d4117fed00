// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_local.h"

#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "runtime/base/joined.h"
#include "runtime/launch/process_tree.h"
#include "transport/context.h"

namespace runnel {
namespace {

constexpr const char* kRankVariable = "RUNNEL_LOCAL_RANK";
constexpr const char* kSizeVariable = "RUNNEL_LOCAL_SIZE";
constexpr const char* kSocketVariable = "RUNNEL_LOCAL_SOCKET";
constexpr const char* kParentVariable = "RUNNEL_LOCAL_PARENT";

// An address, keys and a digest are some hundreds of bytes; a longer contribution is damage.
constexpr std::uint64_t kMaxContributionBytes = std::uint64_t{64} << 20;
constexpr std::chrono::milliseconds kConnectRetry{2};
constexpr int kWaitMs = 10;  // between two calls of a `Meanwhile` while ranks come

[[noreturn]] void fail(const std::string& what) {
  throw BootstrapError("bootstrap: " + what);
}
[[noreturn]] void fail_errno(const std::string& what) {
  fail(what + ": " + std::strerror(errno));
}
std::string name_of(int rank) {
  return "rank " + std::to_string(rank);
}

/// Until when a call waits, and what it does meanwhile.
struct Wait {
  const Deadline& deadline;
  const Meanwhile& meanwhile;
};

int left_ms(const Deadline& deadline) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count());
}

void await(int fd, short events, const Wait& wait, const std::string& peer) {
  for (;;) {
    if (wait.meanwhile) wait.meanwhile();
    pollfd entry = {.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&entry, 1, wait.meanwhile ? 1 : left_ms(wait.deadline));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail_errno("poll");
    if (wait.deadline.expired()) fail(peer + " did not answer in time");
  }
}

void send_all(int fd, const void* data, std::size_t bytes, const Wait& wait, const std::string& peer) {
  const auto* at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    await(fd, POLLOUT, wait, peer);
    const ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) fail(peer + " is gone");
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
}

void receive_all(int fd, void* data, std::size_t bytes, const Wait& wait, const std::string& peer) {
  auto* at = static_cast<std::byte*>(data);
  while (bytes > 0) {
    await(fd, POLLIN, wait, peer);
    const ssize_t received = recv(fd, at, bytes, MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (received <= 0) fail(peer + " is gone");
    at += received;
    bytes -= static_cast<std::size_t>(received);
  }
}

void send_blob(int fd, std::span<const std::byte> blob, const Wait& wait, const std::string& peer) {
  const std::uint64_t bytes = blob.size();
  send_all(fd, &bytes, sizeof bytes, wait, peer);
  send_all(fd, blob.data(), blob.size(), wait, peer);
}

std::vector<std::byte> receive_blob(int fd, const Wait& wait, const std::string& peer) {
  std::uint64_t bytes = 0;
  receive_all(fd, &bytes, sizeof bytes, wait, peer);
  if (bytes > kMaxContributionBytes) fail(peer + " sends nonsense");
  std::vector<std::byte> blob(bytes);
  receive_all(fd, blob.data(), blob.size(), wait, peer);
  return blob;
}

struct AbstractAddress {
  sockaddr_un address = {};
  socklen_t length = 0;

  explicit AbstractAddress(const std::string& name) {
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) fail("the socket's name is too long");
    // The zero in front makes the name abstract.
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// Whether `ancestor` lives and has started this process, itself or through others, such as a shell.
bool descends_from(pid_t ancestor) {
  pid_t process = getppid();
  while (process > 0 && process != ancestor) process = state_of(process).parent;
  return process > 0;
}

bool is_same_user(int fd) {
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 && credentials.uid == geteuid();
}

}  // namespace

LocalPlace LocalPlace::fresh(int size) {
  std::random_device random;
  std::string socket = "runnel-" + std::to_string(getpid());
  for (int i = 0; i < 4; ++i) socket.append("-").append(std::to_string(random()));
  return {.rank = 0, .size = size, .socket = socket};
}

std::optional<LocalPlace> LocalPlace::from_environment() {
  const char* rank = std::getenv(kRankVariable);
  const char* size = std::getenv(kSizeVariable);
  const char* socket = std::getenv(kSocketVariable);
  const char* parent = std::getenv(kParentVariable);
  if (rank == nullptr || size == nullptr || socket == nullptr || parent == nullptr) return std::nullopt;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!descends_from(std::atoi(parent))) std::_Exit(EXIT_FAILURE);  // it died before it could take us along
  return LocalPlace{.rank = std::atoi(rank), .size = std::atoi(size), .socket = socket};
}

std::vector<std::string> environment_of(const LocalPlace& place,
                                        const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> variables;
  const auto set = [&](const std::string& name, const std::string& value) {
    std::erase_if(variables, [&](const std::string& variable) { return variable.starts_with(name + "="); });
    variables.push_back(name + "=" + value);
  };
  for (const auto& [name, value] : settings_before_exec()) set(name, value);
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    set(text.substr(0, text.find('=')), text.substr(std::min(text.size(), text.find('=') + 1)));
  }
  for (const auto& [name, value] : environment) set(name, value);
  set(kRankVariable, std::to_string(place.rank));
  set(kSizeVariable, std::to_string(place.size));
  set(kSocketVariable, place.socket);
  set(kParentVariable, std::to_string(getpid()));
  return variables;
}

pid_t start_process(const LocalPlace& place, const std::vector<std::string>& argv,
                    const std::vector<std::pair<std::string, std::string>>& environment) {
  const std::vector<std::string> variables = environment_of(place, environment);
  const auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
    result.push_back(nullptr);
    return result;
  };
  pid_t pid = -1;
  errno = posix_spawnp(&pid, argv.at(0).c_str(), nullptr, nullptr, pointers(argv).data(), pointers(variables).data());
  if (errno != 0) fail_errno("cannot start " + argv[0]);
  return pid;
}

LocalBootstrap::LocalBootstrap(const LocalPlace& place, const Deadline& deadline, const Meanwhile& meanwhile)
    : place_(place) {
  if (place.rank < 0 || place.rank >= place.size) {
    fail(name_of(place.rank) + " of a group of " + std::to_string(place.size));
  }
  if (place.rank == 0) {
    accept_all(deadline, meanwhile);
  } else {
    connect_to_root(deadline, meanwhile);
  }
}

void LocalBootstrap::accept_all(const Deadline& deadline, const Meanwhile& meanwhile) {
  sockets_.resize(static_cast<std::size_t>(place_.size));
  const OwnedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const AbstractAddress address(place_.socket);
  if (bind(listener.get(), address.get(), address.length) != 0 || listen(listener.get(), place_.size) != 0) {
    fail_errno("cannot listen on socket " + place_.socket);
  }
  for (int arrived = 1; arrived < place_.size;) {
    if (meanwhile) meanwhile();
    pollfd entry = {.fd = listener.get(), .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, meanwhile ? std::min(left_ms(deadline), kWaitMs) : left_ms(deadline)) <= 0) {
      if (deadline.expired()) fail(missing_ranks() + " did not come in time");
      continue;
    }
    OwnedFd peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    // A process of another user does not belong to the group.
    if (peer.get() < 0 || !is_same_user(peer.get())) continue;
    std::int32_t rank = 0;
    receive_all(peer.get(), &rank, sizeof rank, {deadline, {}}, "a process that connected");
    if (rank <= 0 || rank >= place_.size || sockets_[static_cast<std::size_t>(rank)].get() >= 0) {
      fail(name_of(rank) + " connected twice or is outside 0…" + std::to_string(place_.size - 1));
    }
    sockets_[static_cast<std::size_t>(rank)] = std::move(peer);
    ++arrived;
  }
}

std::string LocalBootstrap::missing_ranks() const {
  std::vector<int> missing;
  for (int rank = 1; rank < place_.size; ++rank) {
    if (sockets_[static_cast<std::size_t>(rank)].get() < 0) missing.push_back(rank);
  }
  return joined(missing, ", ", name_of);
}

void LocalBootstrap::connect_to_root(const Deadline& deadline, const Meanwhile& meanwhile) {
  OwnedFd root(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const AbstractAddress address(place_.socket);
  while (connect(root.get(), address.get(), address.length) != 0) {
    if (errno != ECONNREFUSED && errno != EINTR && errno != EAGAIN) fail_errno("cannot connect to rank 0");
    if (deadline.expired()) fail("rank 0 did not come in time");
    if (meanwhile) meanwhile();
    std::this_thread::sleep_for(kConnectRetry);
  }
  if (!is_same_user(root.get())) fail("rank 0 belongs to another user");
  const std::int32_t rank = place_.rank;
  send_all(root.get(), &rank, sizeof rank, {deadline, {}}, name_of(0));
  sockets_.push_back(std::move(root));
}

std::vector<std::vector<std::byte>> LocalBootstrap::all_gather(std::span<const std::byte> mine,
                                                               const Deadline& deadline, const Meanwhile& meanwhile) {
  const Wait wait{deadline, meanwhile};
  std::vector<std::vector<std::byte>> all(static_cast<std::size_t>(place_.size));
  if (place_.rank != 0) {
    const int root = sockets_.front().get();
    send_blob(root, mine, wait, name_of(0));
    for (auto& blob : all) blob = receive_blob(root, wait, name_of(0));
    return all;
  }
  all[0].assign(mine.begin(), mine.end());
  for (int rank = 1; rank < place_.size; ++rank) {
    const auto index = static_cast<std::size_t>(rank);
    all[index] = receive_blob(sockets_[index].get(), wait, name_of(rank));
  }
  for (int rank = 1; rank < place_.size; ++rank) {
    const int fd = sockets_[static_cast<std::size_t>(rank)].get();
    for (const auto& blob : all) send_blob(fd, blob, wait, name_of(rank));
  }
  return all;
}

void LocalBootstrap::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  all_gather({}, deadline, meanwhile);
}

}  // namespace runnel
