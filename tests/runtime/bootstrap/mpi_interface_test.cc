// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/mpi_interface.h"

#include <gtest/gtest.h>

namespace runnel::test {
namespace {

NetworkInterface interface(const std::string& name, std::uint32_t address, bool loopback = false) {
  return {.name = name, .address = address, .prefix_bits = loopback ? 8u : 24u, .loopback = loopback};
}

const NetworkInterface kLoopback = interface("lo", 0x7f000001, true);
const NetworkInterface kEth = interface("eth0", 0x0a4d0001);        // 10.77.0.1
const NetworkInterface kDocker = interface("docker0", 0xac110001);  // 172.17.0.1

/// The name of the only interface that `if_include` leaves; empty when there is none.
std::string only(const std::string& if_include, const std::vector<NetworkInterface>& interfaces) {
  const auto found = mpi_interface(if_include, {.name = "one", .identity = "one", .interfaces = interfaces});
  return found ? found->name : "";
}

TEST(MpiInterfaceTest, IsTheOneThatMpiIsToldToUse) {
  const std::vector<NetworkInterface> all = {kLoopback, kEth, kDocker};
  EXPECT_EQ(only("eth0", all), "eth0");
  EXPECT_EQ(only("10.77.0.0/24", all), "eth0");
  EXPECT_EQ(only("10.77.0.9/16", all), "eth0");
  EXPECT_EQ(only("ib0,eth0", all), "eth0") << "other hosts may have ib0";
}

TEST(MpiInterfaceTest, IsNoneWhereMpiMayUseSeveral) {
  const std::vector<NetworkInterface> all = {kLoopback, kEth, kDocker};
  EXPECT_EQ(only("", all), "");
  EXPECT_EQ(only("eth0,docker0", all), "");
  EXPECT_EQ(only("0.0.0.0/0", all), "");
  EXPECT_EQ(only("eth0", {kLoopback, kEth, interface("eth0", 0x0a4d0002)}), "") << "a second address";
}

TEST(MpiInterfaceTest, IsNoneThatThisHostDoesNotHave) {
  for (const char* word : {"eth1", "192.168.0.0/16", "10.77.0.0/33", "10.77.0.0/", "/24", "10.77.0.0/24x", "eth"}) {
    EXPECT_EQ(only(word, {kLoopback, kEth}), "") << word;
  }
}

TEST(MpiInterfaceTest, IsTheOnlyOneOfTheHost) {
  EXPECT_EQ(only("", {kLoopback, kEth}), "eth0");
  EXPECT_EQ(only("", {kLoopback}), "");
}

}  // namespace
}  // namespace runnel::test
