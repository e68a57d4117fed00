// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/rdma_ports.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// A folder like the kernel's, with the states of some ports.
class RdmaPortsTest : public testing::Test {
 protected:
  ~RdmaPortsTest() override { fs::remove_all(folder_); }

  void add(const std::string& port, const std::string& state) {
    fs::create_directories(folder_ / port);
    std::ofstream(folder_ / port / "state") << state << '\n';
  }

  fs::path folder_ = fs::temp_directory_path() / ("rdma_test." + std::to_string(getpid()));
};

TEST_F(RdmaPortsTest, AreThoseThatAreActive) {
  add("mlx5_1/ports/1", "4: ACTIVE");
  add("mlx5_0/ports/1", "1: DOWN");
  add("mlx5_0/ports/2", "4: ACTIVE");
  add("mlx5_2/ports/1", "5: ACTIVE_DEFER");
  EXPECT_THAT(rdma_ports(folder_), testing::ElementsAre("mlx5_0:2", "mlx5_1:1"));
}

TEST_F(RdmaPortsTest, AreNoneWithoutDevices) {
  EXPECT_THAT(rdma_ports(folder_), testing::IsEmpty());
  fs::create_directories(folder_ / "mlx5_0");
  EXPECT_THAT(rdma_ports(folder_), testing::IsEmpty());
}

}  // namespace
}  // namespace runnel
