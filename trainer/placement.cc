// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/placement.h"

#include <string_view>

#include "runtime/exit_status.h"

namespace runnel {
namespace {

RunError absent(const std::string& wanted, const std::string& key, const std::string& why) {
  return {ExitStatus::bad_configuration,
          "key '" + key + "': expected a device of this host, found \"" + wanted + "\", but " + why};
}

constexpr std::string_view kGpu = "cuda:";

int index_of(const std::string& gpu) {
  return std::stoi(gpu.substr(kGpu.size()));
}

}  // namespace

std::string place(const std::string& wanted, const std::string& key, int process, const CudaFound& found) {
  if (wanted == "cpu" || (wanted == "auto" && found.devices == 0)) return "cpu";
  if (found.devices == 0) throw absent(wanted, key, found.reason + "; or use \"cpu\" or \"auto\"");
  const bool dealt = wanted == "auto" || wanted == "cuda";
  const int index = dealt ? process % found.devices : index_of(wanted);
  if (index < found.devices) return std::string(kGpu) + std::to_string(index);
  throw absent(wanted, key,
               "it shows " + std::to_string(found.devices) + " of them; use a smaller number, \"cuda\" or \"auto\"");
}

std::string select_device(const std::string& wanted, const std::string& key, int process) {
  return place(wanted, key, process, wanted == "cpu" ? CudaFound() : find_cuda());
}

std::unique_ptr<Device> open_device(const std::string& placed) {
  if (placed == "cpu") return nullptr;
  auto device = open_cuda(index_of(placed));
  device->bind_thread();
  return device;
}

}  // namespace runnel
