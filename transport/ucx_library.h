// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>
#include <vector>

namespace runnel {

/// A part of UCX that brings transports: built in (self, tcp, posix, sysv), or a module that UCX found and could load
/// (cma, ib, rdmacm, cuda_cpy, cuda_ipc, xpmem …).
struct UcxComponent {
  std::string name;
  bool usable = false;  ///< false where it finds nothing to work with, or may not: cma without the right to copy
};

/// Throws `TransportError` (unsupported) when the UCX library that was loaded is older than Runnel's floor, or of
/// another major version than the headers that this was compiled with: its file, both versions, and the variable that
/// may have led to it. To be called before anything else of UCX.
void require_supported_ucx();

/// The components of the UCX library in use, in UCX's order. Needs no context, and starts nothing but UCX's loading of
/// its modules. Throws `TransportError`, and as `require_supported_ucx`. Any thread.
std::vector<UcxComponent> ucx_components();

/// The one that brings the transports over RDMA devices; null when `components` are without.
const UcxComponent* rdma_component(std::span<const UcxComponent> components);
inline bool has_rdma(std::span<const UcxComponent> components) {
  return rdma_component(components) != nullptr;
}

/// The file that the UCX library in use was loaded from.
std::string ucx_library_file();

}  // namespace runnel
