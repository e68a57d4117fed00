// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace runnel {

/// A part of UCX that brings transports: built in (self, tcp, posix, sysv), or a module that UCX found and could load
/// (cma, ib, rdmacm, cuda_cpy, cuda_ipc, xpmem …).
struct UcxComponent {
  std::string name;
  bool usable = false;  ///< false where it finds nothing to work with, or may not: cma without the right to copy
};

/// The components of the UCX library in use, in UCX's order. Needs no context, and starts nothing but UCX's loading of
/// its modules. Throws `TransportError`. Any thread.
std::vector<UcxComponent> ucx_components();

/// The file that the UCX library in use was loaded from.
std::string ucx_library_file();

}  // namespace runnel
