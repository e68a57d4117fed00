// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/ucx_library.h"

#include <dlfcn.h>
#include <ucp/api/ucp.h>
#include <uct/api/uct.h>

#include <span>

#include "transport/status.h"

namespace runnel {

std::vector<UcxComponent> ucx_components() {
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

std::string ucx_library_file() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&ucp_get_version), &info) == 0 || info.dli_fname == nullptr) return "";
  return info.dli_fname;
}

}  // namespace runnel
