// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "runtime/bootstrap/host.h"

namespace runnel {

/// The only interface of `self` whose address Open MPI tells other hosts, so that nobody needs MPI to listen on
/// another: that which `if_include` (btl_tcp_if_include: names and networks as 10.1.0.0/16, with commas between)
/// selects, or the only one that is not loopback when it is empty. Nothing when there are none or several.
std::optional<NetworkInterface> mpi_interface(const std::string& if_include, const Host& self);

}  // namespace runnel
