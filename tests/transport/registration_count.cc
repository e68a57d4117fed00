// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/transport/registration_count.h"

#include <dlfcn.h>
#include <ucp/api/ucp.h>

#include <atomic>

namespace {

std::atomic<std::uint64_t> count{0};

}  // namespace

// Stands in front of libucp's in everything that is linked into the program.
extern "C" ucs_status_t ucp_mem_map(ucp_context_h context, const ucp_mem_map_params_t* params, ucp_mem_h* memh_p) {
  static const auto real = reinterpret_cast<decltype(&ucp_mem_map)>(dlsym(RTLD_NEXT, "ucp_mem_map"));
  count.fetch_add(1, std::memory_order_relaxed);
  return real(context, params, memh_p);
}

namespace runnel::test {

std::uint64_t registration_count() {
  return count.load(std::memory_order_relaxed);
}

}  // namespace runnel::test
