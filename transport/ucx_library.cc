// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/ucx_library.h"

#include <dlfcn.h>
#include <ucp/api/ucp.h>
#include <uct/api/uct.h>

#include <algorithm>
#include <cstdlib>
#include <span>

#include "transport/context.h"
#include "transport/status.h"

namespace runnel {
namespace {

// Of UCX 1: what earlier versions lack is in cmake/README.md's table of versions.
constexpr unsigned kFloorMinor = 19;
static_assert(UCP_API_MAJOR == 1 && UCP_API_MINOR >= kFloorMinor, "CMake has found a UCX that is too old");

/// What leads the dynamic linker to another library than the program was linked with.
std::string remedy() {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      return std::string("unset ") + name + " (" + value + "), or let it lead to the UCX that Runnel was built with";
    }
  }
  return "install that version, or build Runnel against a UCX that stays in its place";
}

}  // namespace

void require_supported_ucx() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  ucp_get_version(&major, &minor, &release);
  if (major == UCP_API_MAJOR && minor >= kFloorMinor) return;
  throw TransportError(StatusCode::unsupported, "UCX " + ucx_version() + " was loaded from " + ucx_library_file() +
                                                    "; Runnel needs " + std::to_string(UCP_API_MAJOR) + "." +
                                                    std::to_string(kFloorMinor) + " or later, and was built with " +
                                                    std::to_string(UCP_API_MAJOR) + "." +
                                                    std::to_string(UCP_API_MINOR) + "; " + remedy());
}

std::vector<UcxComponent> ucx_components() {
  require_supported_ucx();
  uct_component_h* handles = nullptr;
  unsigned count = 0;
  throw_unless_ok(Status::from_ucx(uct_query_components(&handles, &count), "uct_query_components"));
  std::vector<UcxComponent> components;
  for (uct_component_h handle : std::span(handles, count)) {
    uct_component_attr_t attributes = {};
    attributes.field_mask = UCT_COMPONENT_ATTR_FIELD_NAME | UCT_COMPONENT_ATTR_FIELD_MD_RESOURCE_COUNT;
    if (uct_component_query(handle, &attributes) != UCS_OK) attributes.md_resource_count = 0;
    components.push_back({.name = attributes.name, .usable = attributes.md_resource_count > 0});
  }
  uct_release_component_list(handles);
  return components;
}

const UcxComponent* rdma_component(std::span<const UcxComponent> components) {
  const auto found = std::ranges::find(components, "ib", &UcxComponent::name);
  return found == components.end() ? nullptr : &*found;
}

std::string ucx_library_file() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&ucp_get_version), &info) == 0 || info.dli_fname == nullptr) return "";
  return info.dli_fname;
}

}  // namespace runnel
