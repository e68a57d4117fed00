// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"
#include "tests/support/peer_process.h"

/// What a trainer writes into the generator's memory is not believed where no correct trainer can have written it.
namespace runnel::test {
namespace {

const BucketLayout kLayout({{.name = "a", .shape = {1000}}}, 65536);  // 4000 bytes

Config config() {
  Config config;
  config.trainer.count = 1;
  config.trainer.batch_size = 10;
  config.run.timeout_s = 15;
  return config;
}

PeerGroup introduce(Bootstrap& bootstrap) {
  const Introduction mine = make_introduction(config(), kLayout.fingerprint(), DeviceId::cpu());
  return PeerGroup::introduce(bootstrap, mine, /*generators=*/1, test_deadline());
}

/// Makes one step and a test. The arguments are what it reports: samples and staged bytes of its batch, the count
/// that its test's loss is over, and batches.
RUNNEL_PEER(lying_trainer) {
  const PeerGroup group = introduce(bootstrap);
  TrainerClient client(bootstrap, group, kLayout, config(), test_deadline());
  try {
    client.pull();
    client.push({.loss = 1,
                 .batches = static_cast<std::uint32_t>(std::stoul(arguments.at(3))),
                 .samples = std::stoull(arguments.at(0)),
                 .staged_bytes = std::stoull(arguments.at(1))});
    client.pull();
    client.report_evaluation({.samples = 5, .loss = {.sum = 0, .count = std::stoll(arguments.at(2))}, .metrics = {}});
    client.leave();
  } catch (const std::exception& error) {
    // Reported by the generator or, when that had ended before this process's heartbeats were connected, by nobody yet.
    const Loss* lost = loss_of(error);
    ASSERT_NE(lost, nullptr) << error.what();
    EXPECT_EQ(lost->rank, group.lead().rank);
  }
}

/// The error that ends the run of a generator with such a trainer; empty when there is none.
std::string error_of_run(const std::vector<std::string>& reported) {
  PeerProcesses trainer("lying_trainer", reported);
  const PeerGroup group = introduce(trainer.bootstrap());
  Generator generator(trainer.bootstrap(), group, kLayout, config(), test_deadline());
  generator.publish_start(std::vector<float>(kLayout.float_count()));
  try {
    generator.step(/*lr=*/0.1);
    generator.collect_evaluation();
    generator.leave();
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    generator.fail(error);
    return error.what();
  }
}

TEST(LyingTrainerTest, RecordsThatNoTrainerCanPutEndTheRun) {
  EXPECT_EQ(error_of_run({"10", "4000", "5", "1"}), "") << "the most that is possible";
  EXPECT_THAT(error_of_run({"11", "4000", "5", "1"}),
              testing::HasSubstr("trainer 0 put a record of step 0, 11 samples"));
  EXPECT_THAT(error_of_run({"10", "4001", "5", "1"}), testing::HasSubstr("4001 staged bytes, expected"));
  EXPECT_THAT(error_of_run({"10", "4000", "-1", "1"}), testing::HasSubstr("5 samples with a loss over -1"));
  EXPECT_THAT(error_of_run({"10", "4000", "5", "2"}), testing::HasSubstr("10 samples in 2 batches"));
}

/// Says in the record of step 0 what the arguments are: content and steps of the optimizer.
RUNNEL_PEER(lying_about_content) {
  const PeerGroup group = introduce(bootstrap);
  TrainerClient client(bootstrap, group, kLayout, config(), test_deadline());
  client.decide_steps();
  try {
    client.pull();
    client.push({.batches = 0,
                 .leaving = arguments.at(2) == "leaving",
                 .content = std::stoull(arguments.at(0)),
                 .optimizer_steps = std::stoull(arguments.at(1))});
    client.pull();
  } catch (const std::exception& error) {
    ASSERT_NE(loss_of(error), nullptr) << error.what();
  }
}

std::string error_of_adoption(const std::vector<std::string>& reported) {
  PeerProcesses trainer("lying_about_content", reported);
  const PeerGroup group = introduce(trainer.bootstrap());
  Generator generator(trainer.bootstrap(), group, kLayout, config(), test_deadline(), {.states = StatePlace::shared});
  try {
    generator.adopt_start();
    generator.fail(std::runtime_error("the test is over"));
    return "";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    generator.fail(error);
    return error.what();
  }
}

TEST(LyingTrainerTest, ContentsThatNoTrainerCanPutEndTheRun) {
  EXPECT_EQ(error_of_adoption({"1", "0", ""}), "");
  EXPECT_EQ(error_of_adoption({"3", "9007199254740991", ""}), "") << "Adadelta has two states";
  EXPECT_THAT(error_of_adoption({"4", "0", ""}), testing::HasSubstr("content 4 after 0 steps"));
  EXPECT_THAT(error_of_adoption({"2", "9007199254740992", ""}),
              testing::HasSubstr("square_avg after 9007199254740992"));
  EXPECT_THAT(error_of_adoption({"0", "0", ""}), testing::HasSubstr("gradients in step 0, expected the parameters"));
  EXPECT_THAT(error_of_adoption({"1", "0", "leaving"}), testing::HasSubstr("gradients in step 0, expected"));
}

}  // namespace
}  // namespace runnel::test
