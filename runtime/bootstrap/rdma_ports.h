// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace runnel {

/// The active ports of this host's RDMA devices by UCX's names, as "mlx5_0:1", sorted. `devices` is the kernel's folder
/// of them.
std::vector<std::string> rdma_ports(const std::filesystem::path& devices = "/sys/class/infiniband");

/// Whether the UCX in use has its module for RDMA devices, which UCX's wheels lack.
bool ucx_has_rdma();

}  // namespace runnel
