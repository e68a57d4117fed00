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
                         .configuration = {},
                         .data = "60000 samples"};

/// Rank 0 of two. Rank 1 sends an introduction like `kMine`, with `device` and `data`.
class TwoRanks final : public Bootstrap {
 public:
  TwoRanks(std::string device, std::string data) : device_(std::move(device)), data_(std::move(data)) {}

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
    writer.text(data_);
    return writer.seal(FrameKind::introduction);
  }

  std::string device_;
  std::string data_;
};

PeerGroup introduce(const std::string& device, const std::string& data = kMine.data) {
  TwoRanks bootstrap(device, data);
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

TEST(PeerGroup, RefusesOtherDataWithBothValues) {
  try {
    introduce("cpu", "50000 samples");
    FAIL() << "took other data";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_STREQ(error.what(),
                 "the data set differs: rank 0 has 60000 samples, rank 1 has 50000 samples; give every host the same "
                 "files");
  }
}

}  // namespace
}  // namespace runnel
