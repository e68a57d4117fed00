// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A library to preload: it lets one of a process's gets fail, or one of its mappings of a peer's region, or processes
// allocate at the same time.
//   RUNNEL_TEST_FAILING_GET=RANK:NUMBER  in process RANK, its get of NUMBER, from 1
//   RUNNEL_TEST_UNMAPPED=NUMBER          in every process that maps so many, from 1
//   RUNNEL_TEST_TOGETHER=NUMBER:FILE     in every process, its second allocation of 1 MiB or more: it waits up to 20 s
//                                        for that of NUMBER processes; FILE gets a byte for each
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <ucp/api/ucp.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Waits until `number` processes have called this.
void meet(off_t number, const std::string& file) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  struct stat arrived = {};
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  if (write(fd, ".", 1) != 1) std::abort();
  while (fstat(fd, &arrived) == 0 && arrived.st_size < number && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  close(fd);
}

}  // namespace

extern "C" ucs_status_t ucp_mem_map(ucp_context_h context, const ucp_mem_map_params_t* parameters, ucp_mem_h* memory) {
  static const auto original = reinterpret_cast<decltype(&ucp_mem_map)>(dlsym(RTLD_NEXT, "ucp_mem_map"));
  static const std::string together = variable("RUNNEL_TEST_TOGETHER");
  static int large = 0;
  const bool allocates = (parameters->field_mask & UCP_MEM_MAP_PARAM_FIELD_FLAGS) != 0 &&
                         (parameters->flags & UCP_MEM_MAP_ALLOCATE) != 0 && parameters->length >= (1 << 20);
  if (allocates && ++large == 2 && !together.empty()) {
    meet(std::stol(together), together.substr(together.find(':') + 1));
  }
  return original(context, parameters, memory);
}

extern "C" ucs_status_ptr_t ucp_get_nbx(ucp_ep_h endpoint, void* buffer, size_t count, uint64_t address, ucp_rkey_h key,
                                        const ucp_request_param_t* parameters) {
  static const auto original = reinterpret_cast<decltype(&ucp_get_nbx)>(dlsym(RTLD_NEXT, "ucp_get_nbx"));
  static const std::string failing = variable("RUNNEL_TEST_FAILING_GET");
  static int gets = 0;
  if (variable("OMPI_COMM_WORLD_RANK") + ":" + std::to_string(++gets) == failing) {
    return reinterpret_cast<ucs_status_ptr_t>(UCS_ERR_IO_ERROR);
  }
  return original(endpoint, buffer, count, address, key, parameters);
}

extern "C" ucs_status_t ucp_rkey_ptr(ucp_rkey_h key, uint64_t address, void** local) {
  static const auto original = reinterpret_cast<decltype(&ucp_rkey_ptr)>(dlsym(RTLD_NEXT, "ucp_rkey_ptr"));
  static const std::string unmapped = variable("RUNNEL_TEST_UNMAPPED");
  static int calls = 0;
  if (std::to_string(++calls) == unmapped) return UCS_ERR_UNREACHABLE;
  return original(key, address, local);
}
