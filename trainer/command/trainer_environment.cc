// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/command/trainer_environment.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "transport/log.h"
#include "transport/owned_fd.h"

namespace runnel {
namespace {

/// A step frees and takes the same tensors again. By default glibc gives large ones back to the system, which then
/// clears their pages for the next step: 10 to 20 % of a step. 2^40: more than any tensor.
constexpr std::string_view kKeepFreedMemory =
    "glibc.malloc.mmap_threshold=1099511627776:glibc.malloc.trim_threshold=1099511627776:glibc.malloc.top_pad=67108864";

/// A port of the loopback interface that nobody has, for a trainer that wants to listen there.
int free_port() {
  const OwnedFd fd = OwnedFd::checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw RunError(ExitStatus::os_limit, std::string("no port for MASTER_PORT on 127.0.0.1: ") + std::strerror(errno));
  }
  return ntohs(address.sin_port);
}

bool has_malloc_settings() {
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  return (tunables != nullptr && std::string_view(tunables).find("glibc.malloc.") != std::string_view::npos) ||
         std::ranges::any_of(std::array{"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"},
                             [](const char* name) { return std::getenv(name) != nullptr; });
}

void add_memory_settings(Variables& variables) {
  if (has_malloc_settings()) return;
  const char* others = std::getenv("GLIBC_TUNABLES");
  const bool has_others = others != nullptr && *others != '\0';
  variables.emplace_back("GLIBC_TUNABLES",
                         (has_others ? std::string(others) + ':' : "") + std::string(kKeepFreedMemory));
}

void add_thread_settings(Variables& variables, int trainers) {
  if (trainers == 1 || std::getenv("OMP_NUM_THREADS") != nullptr) return;
  variables.emplace_back("OMP_NUM_THREADS", "1");
  log_warning("OMP_NUM_THREADS is not set: each of the " + std::to_string(trainers) +
              " trainers computes with 1 thread; set it for more");
}

}  // namespace

Variables variables_of_trainers(const RunSettings& job) {
  const std::string trainers = std::to_string(job.trainers);
  Variables variables = {{"WORLD_SIZE", trainers},
                         {"LOCAL_WORLD_SIZE", trainers},
                         {"MASTER_ADDR", "127.0.0.1"},
                         {"MASTER_PORT", std::to_string(free_port())},
                         {"RUNNEL_GENERATORS", std::to_string(job.generators)},
                         {"RUNNEL_SETTINGS", joined(job.settings, "\n")}};
  // UCX takes SIGHUP for a debugger's signal otherwise, and a trainer outlives its terminal.
  if (std::getenv("UCX_DEBUG_SIGNO") == nullptr) variables.emplace_back("UCX_DEBUG_SIGNO", "0");
  add_memory_settings(variables);
  add_thread_settings(variables, job.trainers);
  return variables;
}

Variables variables_of_trainer(int trainer) {
  return {{"RANK", std::to_string(trainer)}, {"LOCAL_RANK", std::to_string(trainer)}};
}

}  // namespace runnel
