// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The rules of the driver that the stand-in keeps.
#include "tests/cuda_stand_in/driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/peer_process.h"

namespace runnel::test::driver {
namespace {

constexpr std::size_t kShareable = std::size_t{2} << 20;

void make_current() {
  Context* context = nullptr;
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), success);
  ASSERT_EQ(cuCtxSetCurrent(context), success);
}

class DriverTest : public testing::Test {
 protected:
  void SetUp() override { make_current(); }

  static Address allocate(std::size_t bytes) {
    Address address = nullptr;
    EXPECT_EQ(cuMemAlloc_v2(&address, bytes), success);
    return address;
  }
};

// Handles travel as arguments: a letter for each half of a byte.

std::string text_of(Address address) {
  IpcHandle handle = {};
  EXPECT_EQ(cuIpcGetMemHandle(&handle, address), success);
  std::string text;
  for (const std::byte byte : handle.bytes) {
    for (const unsigned half : {std::to_integer<unsigned>(byte) / 16, std::to_integer<unsigned>(byte) % 16}) {
      text += static_cast<char>('a' + half);
    }
  }
  return text;
}

IpcHandle handle_of(const std::string& text) {
  IpcHandle handle = {};
  for (std::size_t i = 0; i < handle.bytes.size(); ++i) {
    handle.bytes[i] = static_cast<std::byte>(16 * (text.at(2 * i) - 'a') + text.at(2 * i + 1) - 'a');
  }
  return handle;
}

/// Opens a handle of two blocks' each, then one of the second block again. Each allocation begins with its number.
RUNNEL_PEER(opens_handles) {
  make_current();
  std::vector<Address> opened(3);
  ASSERT_EQ(cuIpcOpenMemHandle_v2(&opened[0], handle_of(arguments.at(0)), 0), success);
  EXPECT_EQ(*opened[0], std::byte{1});
  ASSERT_EQ(cuIpcOpenMemHandle_v2(&opened[1], handle_of(arguments.at(1)), 0), success);
  EXPECT_EQ(*opened[1], std::byte{2});
  EXPECT_EQ(cuIpcOpenMemHandle_v2(&opened[2], handle_of(arguments.at(2)), 0), already_mapped);
  EXPECT_EQ(cuMemFree_v2(opened[1]), invalid_value);
  EXPECT_EQ(cuIpcCloseMemHandle(opened[1]), success);
  ASSERT_EQ(cuIpcOpenMemHandle_v2(&opened[2], handle_of(arguments.at(2)), 0), success);
  EXPECT_EQ(*opened[2], std::byte{3});
  *opened[2] = std::byte{4};
}

TEST_F(DriverTest, LetsAnotherProcessMapEachBlockOnce) {
  const std::vector<Address> memory = {allocate(kShareable), allocate(1000), allocate(1000)};
  for (std::size_t i = 0; i < memory.size(); ++i) *memory[i] = static_cast<std::byte>(i + 1);
  // A handle of any byte is one of the whole allocation.
  PeerProcesses("opens_handles", {text_of(memory[0] + kShareable - 1), text_of(memory[1]), text_of(memory[2])}).join();
  EXPECT_EQ(*memory[2], std::byte{4});
  for (const Address address : memory) EXPECT_EQ(cuMemFree_v2(address), success);
}

TEST_F(DriverTest, LetsNoProcessOpenItsOwnHandles) {
  const Address memory = allocate(kShareable);
  Address opened = nullptr;
  EXPECT_EQ(cuIpcOpenMemHandle_v2(&opened, handle_of(text_of(memory)), 0), invalid_context);
  EXPECT_EQ(cuMemFree_v2(memory), success);
}

RUNNEL_PEER(opens_nothing) {
  make_current();
  Address opened = nullptr;
  EXPECT_EQ(cuIpcOpenMemHandle_v2(&opened, handle_of(arguments.at(0)), 0), invalid_handle);
}

TEST_F(DriverTest, ForgetsWhatIsFreed) {
  const Address memory = allocate(kShareable);
  const std::string handle = text_of(memory);
  EXPECT_EQ(cuMemFree_v2(memory + 256), invalid_value);
  EXPECT_EQ(cuMemFree_v2(memory), success);
  EXPECT_EQ(cuMemFree_v2(memory), invalid_value);
  const Address next = allocate(kShareable);
  PeerProcesses("opens_nothing", {handle}).join();
  EXPECT_EQ(cuMemFree_v2(next), success);
}

TEST_F(DriverTest, PinsHostMemoryOnce) {
  std::vector<std::byte> host(3000);
  EXPECT_EQ(cuMemHostRegister_v2(host.data(), 2000, 0), success);
  EXPECT_EQ(cuMemHostRegister_v2(host.data() + 1000, 2000, 0), already_registered);
  EXPECT_EQ(cuMemHostUnregister(host.data()), success);
  EXPECT_EQ(cuMemHostUnregister(host.data()), not_registered);
}

TEST_F(DriverTest, KnowsItsOwnPointersOnly) {
  const Address memory = allocate(1000);
  std::vector<std::byte> host(1000);
  unsigned type = 0;
  const auto ask = [&](const std::byte* address) {
    return cuPointerGetAttribute(&type, PointerAttribute::memory_type, address);
  };
  EXPECT_EQ(ask(memory + 999), success);
  EXPECT_EQ(type, 2U);
  EXPECT_EQ(ask(memory + 1000), invalid_value);
  EXPECT_EQ(ask(host.data()), invalid_value);
  Address begin = nullptr;
  std::size_t bytes = 0;
  EXPECT_EQ(cuMemGetAddressRange_v2(&begin, &bytes, memory + 999), success);
  EXPECT_EQ(begin, memory);
  EXPECT_EQ(bytes, 1000U);
  EXPECT_EQ(cuMemFree_v2(memory), success);
}

}  // namespace
}  // namespace runnel::test::driver
