// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/peer_group.h"

#include <gtest/gtest.h>

#include <chrono>

#include "runtime/bootstrap/frame.h"

namespace runnel {
namespace {

const Introduction kMine{.device = DeviceId::cuda(3),
                         .runnel_version = "1",
                         .ucx_version = "1.22",
                         .layout_fingerprint = "ab",
                         .configuration = {}};

/// Rank 0 of two. Rank 1 sends an introduction like `kMine`, with `device` as its device's text.
class TwoRanks final : public Bootstrap {
 public:
  explicit TwoRanks(std::string device) : device_(std::move(device)) {}

  int rank() const override { return 0; }
  int size() const override { return 2; }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline&,
                                                 const Meanwhile&) override {
    return {{mine.begin(), mine.end()}, theirs()};
  }
  void barrier(const Deadline&, const Meanwhile&) override {}

 private:
  std::vector<std::byte> theirs() const {
    FrameWriter writer;
    for (const std::string& text : {kMine.runnel_version, kMine.ucx_version, kMine.layout_fingerprint, device_}) {
      writer.text(text);
    }
    writer.u32(17);
    writer.text("beta");
    writer.text("beta/boot");
    writer.u32(0);
    writer.u32(0);
    return writer.seal(FrameKind::introduction);
  }

  std::string device_;
};

PeerGroup introduce(const std::string& device) {
  TwoRanks bootstrap(device);
  return PeerGroup::introduce(bootstrap, kMine, /*generators=*/1, Deadline::after(std::chrono::seconds(1)));
}

TEST(PeerGroup, HasTheDevicesThatRanksIntroduce) {
  const PeerGroup group = introduce("cpu");
  EXPECT_EQ(group.at(0).device, DeviceId::cuda(3));
  EXPECT_TRUE(group.at(0).has_device());
  EXPECT_EQ(group.at(1).device, DeviceId::cpu());
  EXPECT_FALSE(group.at(1).has_device());
}

TEST(PeerGroup, RefusesADeviceThatIsNone) {
  for (const std::string text : {"", "cuda", "auto", "tpu:0"}) {
    try {
      introduce(text);
      FAIL() << "took " << text;
    } catch (const FrameError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("from rank 1"), message.npos) << message;
      EXPECT_NE(message.find('"' + text + '"'), message.npos) << message;
    }
  }
}

}  // namespace
}  // namespace runnel
