// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A library to preload: it lets one of a process's gets fail, or one of its mappings of a peer's region.
//   RUNNEL_TEST_FAILING_GET=RANK:NUMBER  in process RANK, its get of NUMBER, from 1
//   RUNNEL_TEST_UNMAPPED=NUMBER          in every process that maps so many, from 1
#include <dlfcn.h>
#include <ucp/api/ucp.h>

#include <cstdlib>
#include <string>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

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
