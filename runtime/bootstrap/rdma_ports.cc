// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/rdma_ports.h"

#include <algorithm>
#include <fstream>
#include <system_error>

#include "transport/ucx_library.h"

namespace runnel {

std::vector<std::string> rdma_ports(const std::filesystem::path& devices) {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& device : std::filesystem::directory_iterator(devices, none)) {
    for (const auto& port : std::filesystem::directory_iterator(device.path() / "ports", none)) {
      std::ifstream file(port.path() / "state");
      std::string state;  // "4: ACTIVE"
      std::getline(file, state);
      if (!state.ends_with(" ACTIVE")) continue;
      found.push_back(device.path().filename().string() + ":" + port.path().filename().string());
    }
  }
  std::ranges::sort(found);
  return found;
}

bool ucx_has_rdma() {
  return has_rdma(ucx_components());
}

}  // namespace runnel
