// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/processes/runnel_program.h"
#include "tests/support/scoped_environment.h"

/// transport.require ends a run whose pairs are worse, and leaves others alone.
namespace runnel::test {
namespace {

class RequirementTest : public testing::TestWithParam<const char*> {
 protected:
  std::vector<std::string> train() const {
    return program_.train({"-n", "2", "--set", std::string("transport.require=") + GetParam()});
  }

  RunnelProgram program_;
};

TEST_P(RequirementTest, IsMetBySharedMemory) {
  for (const auto& path : program_.run(train())["paths"]) EXPECT_EQ(path["path"], "mapped") << path;
}

TEST_P(RequirementTest, EndsARunOverTcpWithPairAndRemedy) {
  const ScopedEnvironment tcp("UCX_TLS", "tcp,self");
  Job job({.argv = train()});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 78);
  const std::string output = job.output();
  EXPECT_NE(output.find(std::string("transport.require is \"") + GetParam() + "\", but trainer 0 on "),
            std::string::npos)
      << output;
  EXPECT_NE(output.find("only emulated (tcp/lo): UCX_TLS=tcp,self leaves shared memory out; unset it"),
            std::string::npos)
      << output;
  EXPECT_EQ(output.find(" error: "), output.rfind(" error: ")) << "more than one rank says so:\n" << output;
  EXPECT_EQ(output.find("step "), std::string::npos) << output;
}

/// What a run writes with these transports, which end it with `status`.
std::string output_with(const std::string& transports, int status) {
  const RunnelProgram program;
  const ScopedEnvironment environment("UCX_TLS", transports);
  Job job({.argv = program.train({"-n", "1"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), status);
  return job.output();
}

TEST(ConnectionTest, ThatNoTransportAllowsEndsTheRunWithPeerAndRemedy) {
  const std::string output = output_with("self", 69);
  EXPECT_NE(output.find("error: no transport leads to "), std::string::npos) << output;
  EXPECT_NE(output.find("; name an interface in transport.interface"), std::string::npos) << output;
}

TEST(ConnectionTest, WithATransportThatUcxDoesNotKnowIsABadConfiguration) {
  const std::string output = output_with("bogus", 78);
  EXPECT_NE(output.find("(transports \"bogus\""), std::string::npos) << output;
  EXPECT_NE(output.find("; unset UCX_TLS"), std::string::npos) << output;
}

/// A site's ucx.conf, which UCX reads by itself.
class UcxConfTest : public testing::Test {
 protected:
  UcxConfTest() { std::ofstream(program_.folder() / "ucx.conf") << "UCX_TLS=tcp,self\n"; }

  Job train(const std::vector<std::string>& more) const {
    return Job({.argv = program_.train(std::vector<std::string>{"-n", "1"} + more),
                .environment = {{"UCX_CONFIG_DIR", program_.folder().string()}}});
  }

  const RunnelProgram program_;
};

TEST_F(UcxConfTest, IsTheUsersOwnChoiceOfTransports) {
  Job job = train({});
  ASSERT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  const auto path = program_.report()["paths"][0];
  EXPECT_EQ(path["path"], "emulated") << path;
  EXPECT_EQ(path["transports"][0], "tcp/lo") << path;
  EXPECT_EQ(job.output().find("ucx.conf"), std::string::npos) << job.output();
}

TEST_F(UcxConfTest, IsNamedInTheRemedy) {
  Job job = train({"--set", "transport.require=mapped"});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 78) << job.output();
  EXPECT_NE(job.output().find("UCX_TLS=tcp,self leaves shared memory out"), std::string::npos) << job.output();
}

TEST_F(UcxConfTest, IsReportedOnceWhereTheConfigurationOverridesIt) {
  Job job = train({"--set", "transport.path=mapped"});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  EXPECT_EQ(program_.report()["paths"][0]["path"], "mapped");
  const std::string line = "UCX_TLS=tcp,self of ucx.conf is overridden: transport.path gives \"posix,self\"";
  EXPECT_NE(job.output().find(line), std::string::npos) << job.output();
  EXPECT_EQ(job.output().find(line), job.output().rfind(line)) << job.output();
}

TEST_F(UcxConfTest, IsReportedOnceWhereRunnelItselfOverridesIt) {
  std::ofstream(program_.folder() / "ucx.conf") << "UCX_KEEPALIVE_INTERVAL=20s\nUCX_FENCE_MODE=ep_based\n";
  Job job = train({});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  const std::string line = "UCX_KEEPALIVE_INTERVAL=20s of " + (program_.folder() / "ucx.conf").string() +
                           " is overridden: Runnel sets \"1s\"; to decide it yourself, set UCX_KEEPALIVE_INTERVAL in "
                           "the environment";
  EXPECT_NE(job.output().find(line), std::string::npos) << job.output();
  EXPECT_EQ(job.output().find("is overridden"), job.output().rfind("is overridden")) << job.output();
}

/// The one trainer maps the control slab, the slots and the parameters of the generator, in this order; of these, that
/// of `number` not.
Job with_unmapped(const RunnelProgram& program, int number, const std::string& require) {
  return Job(
      {.argv = program.train({"-n", "1", "--set", "transport.require=" + require}),
       .environment = {{"LD_PRELOAD", RUNNEL_UCX_INTERPOSER}, {"RUNNEL_TEST_UNMAPPED", std::to_string(number)}}});
}

TEST(UnmappedSlabTest, IsNoMappedPathWhicheverOfThemItIs) {
  for (const int number : {1, 2, 3}) {
    SCOPED_TRACE("mapping " + std::to_string(number));
    const RunnelProgram program;
    Job any = with_unmapped(program, number, "any");
    ASSERT_EQ(any.wait_for_all(std::chrono::seconds(30)), 0) << any.output();
    const auto report = program.report();
    EXPECT_NE(report["paths"][0]["path"], "mapped") << report["paths"][0];

    Job mapped = with_unmapped(program, number, "mapped");
    EXPECT_EQ(mapped.wait_for_all(std::chrono::seconds(30)), 78) << mapped.output();
    EXPECT_NE(mapped.output().find("transport.require is \"mapped\", but trainer 0 on "), std::string::npos)
        << mapped.output();
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, RequirementTest, testing::Values("mapped", "one-sided", "rdma"), [](const auto& test) {
  return test.param == std::string("one-sided") ? "one_sided" : test.param;
});

}  // namespace
}  // namespace runnel::test
