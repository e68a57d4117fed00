// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "runtime/base/run_error.h"
#include "runtime/generator/serve.h"
#include "tests/processes/client_job.h"
#include "tests/support/peer_process.h"
#include "tests/support/plain_tree.h"
#include "tests/support/temporary_folder.h"

/// Client and serve in real processes, against a plain loop.
namespace runnel::test {
namespace {

double learning_rate(std::uint64_t step) {
  return 0.01 * static_cast<double>(1 + step % 3);
}

/// Trainers stop one after the other, the first one last or first.
std::uint64_t steps_of(int trainer, int trainers, bool first_is_last) {
  return static_cast<std::uint64_t>(4 + 3 * (first_is_last ? trainers - trainer : trainer));
}

/// Element `i` of tensor `tensor` after `steps` steps.
float plain_value(std::size_t tensor, std::size_t i, int trainers, bool first_is_last, std::uint64_t steps) {
  float value = start_value(tensor, i);
  for (std::uint64_t step = 0; step < steps; ++step) {
    std::vector<float> parts;
    for (int trainer = 0; trainer < trainers; ++trainer) {
      const bool takes_part = step < steps_of(trainer, trainers, first_is_last);
      const float absent = kTensors[tensor].kind == Kind::synced ? value : 0.0F;
      parts.push_back(takes_part ? handed_over(trainer, step, i, value) : absent);
    }
    if (kTensors[tensor].kind == Kind::optimized) {
      value -= static_cast<float>(learning_rate(step)) * plain_sum(parts);
    } else {
      value = plain_mean(parts);
    }
  }
  return value;
}

void require_plain_values(const Client& client, bool first_is_last, std::uint64_t steps) {
  for (std::size_t tensor = 0; tensor < kTensors.size(); ++tensor) {
    const auto value = client.value(client.buffer(), tensor);
    for (std::size_t i = 0; i < value.size(); ++i) {
      const float expected = plain_value(tensor, i, client.count(), first_is_last, steps);
      require(value[i] == expected, kTensors[tensor].name + "[" + std::to_string(i) + "] is " +
                                        std::to_string(value[i]) + ", not " + std::to_string(expected));
    }
  }
}

RUNNEL_PEER(uneven_client) {
  const ClientOptions options = options_of(arguments);
  if (bootstrap.rank() < options.generators) return serve(bootstrap, options.generators);
  const bool first_is_last = arguments.at(2) == "1";
  const auto client = join(bootstrap, options);
  const std::uint64_t steps = steps_of(client->index(), client->count(), first_is_last);
  while (client->steps() < steps) {
    client->pull();
    compute(*client);
    client->push({.loss = 1, .samples = 3, .lr = learning_rate(client->steps())});
  }
  client->pull();
  require_plain_values(*client, first_is_last, steps);
  client->close();
  client->close();
  // The last trainer's steps, which the others have after it, too.
  const int last = first_is_last ? 0 : client->count() - 1;
  require_plain_values(*client, first_is_last, steps_of(last, client->count(), first_is_last));
  try {
    client->pull();
  } catch (const RunError& error) {
    return require(std::string(error.what()).find("closed") != std::string::npos, error.what());
  }
  throw std::runtime_error("a closed exchange goes on");
}

class ClientTest : public testing::TestWithParam<std::tuple<std::string, int, int, bool>> {};

TEST_P(ClientTest, ComputesWhatAPlainLoopComputesWithUnevenTrainers) {
  const auto& [path, generators, trainers, first_is_last] = GetParam();
  const TemporaryFolder folder;
  const std::string report = (folder.path() / "report.json").string();
  PeerProcesses peers("uneven_client",
                      {std::to_string(generators), path, first_is_last ? "1" : "0", "run.report='" + report + "'"},
                      trainers + generators - 1);
  serve(peers.bootstrap(), generators);
  peers.join();
  const auto json = nlohmann::json::parse(std::ifstream(report));
  EXPECT_EQ(json["exit"], 0);
  EXPECT_EQ(json["steps"], 4 + 3 * (first_is_last ? trainers : trainers - 1));
  EXPECT_EQ(json["loss"].back()[1], 1) << "those that take part";
  for (const auto& one : json["paths"]) EXPECT_EQ(one["path"], path);
}

INSTANTIATE_TEST_SUITE_P(Paths, ClientTest,
                         testing::Combine(testing::Values("mapped", "one-sided", "emulated"), testing::Values(1, 2),
                                          testing::Values(1, 3), testing::Bool()),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param) + "_" + std::to_string(std::get<1>(test.param)) +
                                              "_" + std::to_string(std::get<2>(test.param)) +
                                              (std::get<3>(test.param) ? "_first_is_last" : "_first_is_first");
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace runnel::test
