// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/client/client.h"
#include "runtime/generator/serve.h"
#include "tests/processes/client_job.h"
#include "tests/support/peer_process.h"
#include "tests/support/temporary_folder.h"

/// What a client does between steps: it reads the optimizer's states, and loads them and values.
namespace runnel::test {
namespace {

/// A value of state `state` that the trainers load.
float loaded(std::size_t state, std::size_t tensor, std::size_t i) {
  return 0.5F + static_cast<float>((7 * state + 3 * tensor + i) % 101) / 101.0F;
}

/// Values of the first `count` tensors, where those of the averaged ones differ in trainers.
std::vector<std::vector<float>> loaded_values(std::size_t state, std::size_t count, int trainer) {
  std::vector<std::vector<float>> values;
  for (std::size_t tensor = 0; tensor < count; ++tensor) {
    const bool alike = kTensors[tensor].kind == Kind::optimized;
    auto& value = values.emplace_back(size_of(kTensors[tensor]));
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = loaded(state, tensor, i) + (alike ? 0.0F : static_cast<float>(trainer));
    }
  }
  return values;
}

std::vector<std::span<const float>> spans_of(const std::vector<std::vector<float>>& values) {
  return {values.begin(), values.end()};
}

constexpr std::size_t kOptimized = 2;  // of kTensors
constexpr std::size_t kValues = 9;     // in place of a state's number
constexpr std::uint64_t kLoadedStep = 40;

std::vector<std::vector<float>> read(Client& client, std::size_t state) {
  std::vector<std::vector<float>> values;
  for (std::size_t tensor = 0; tensor < kOptimized; ++tensor) {
    client.read_state(state, tensor, values.emplace_back(size_of(kTensors[tensor])));
  }
  return values;
}

/// Adam's states after a step from `mean` and `square` with the trainers' gradients, which are not averaged.
std::pair<float, float> adam_states(float mean, float square, float sum) {
  const auto weight = static_cast<float>(1 - 0.9);
  return {mean + weight * (sum - mean), 0.999F * square + static_cast<float>(1 - 0.999) * sum * sum};
}

void expect_states(Client& client, bool as_loaded) {
  const auto mean = read(client, 0);
  const auto square = read(client, 1);
  for (std::size_t tensor = 0; tensor < kOptimized; ++tensor) {
    for (std::size_t i = 0; i < mean[tensor].size(); ++i) {
      std::pair<float, float> expected = {loaded(0, tensor, i), loaded(1, tensor, i)};
      float sum = 0;
      for (int trainer = 0; trainer < client.count(); ++trainer) {
        sum += handed_over(trainer, client.steps() - 1, i, loaded(kValues, tensor, i));
      }
      if (!as_loaded) expected = adam_states(expected.first, expected.second, sum);
      require(mean[tensor][i] == expected.first && square[tensor][i] == expected.second,
              "states of " + kTensors[tensor].name + "[" + std::to_string(i) + "] are others");
    }
  }
}

/// Makes a step, loads values and states, and makes another one; only the last trainer looks at the states meanwhile.
RUNNEL_PEER(loading_client) {
  const ClientOptions options = options_of(arguments);
  if (bootstrap.rank() < options.generators) return serve(bootstrap, options.generators);
  const auto client = join(bootstrap, options);
  const bool reads = client->index() == client->count() - 1;
  require(client->states() == std::vector<std::string>{"exp_avg", "exp_avg_sq"}, "the optimizer keeps other states");
  const auto zeros = read(*client, 1);
  require(std::ranges::all_of(zeros[0], [](float value) { return value == 0; }), "states do not begin with zero");
  const auto step = [&] {
    client->pull();
    compute(*client);
    client->push({.loss = 1, .samples = 3, .lr = 0.01});
  };
  step();
  client->load_values(spans_of(loaded_values(kValues, kTensors.size(), client->index())));
  require(client->optimizer_steps() == 1, "values change the optimizer's steps");
  for (const std::size_t state : {0, 1}) {
    client->load_state(state, spans_of(loaded_values(state, kOptimized, 0)), kLoadedStep);
  }
  client->pull();
  for (std::size_t tensor = 0; tensor < kTensors.size(); ++tensor) {
    const auto value = client->value(client->buffer(), tensor);
    for (std::size_t i = 0; i < value.size(); ++i) {
      require(value[i] == loaded(kValues, tensor, i), kTensors[tensor].name + " is not the first trainer's");
    }
  }
  if (reads) expect_states(*client, /*as_loaded=*/true);
  step();
  if (reads) expect_states(*client, /*as_loaded=*/false);
  require(client->steps() == 2 && client->optimizer_steps() == kLoadedStep + 1, "steps are counted in another way");
  client->close();
}

class ClientStatesTest : public testing::TestWithParam<std::tuple<std::string, int, int>> {};

TEST_P(ClientStatesTest, AreReadByOneAndLoadedByAllBetweenSteps) {
  const auto& [path, generators, trainers] = GetParam();
  const TemporaryFolder folder;
  const std::string report = (folder.path() / "report.json").string();
  PeerProcesses peers("loading_client",
                      {std::to_string(generators), path, "", "optimizer.name=adam", "run.report='" + report + "'"},
                      trainers + generators - 1);
  serve(peers.bootstrap(), generators);
  peers.join();
  const auto json = nlohmann::json::parse(std::ifstream(report));
  EXPECT_EQ(json["exit"], 0);
  EXPECT_EQ(json["steps"], 2) << "steps without gradients are not counted";
  for (const auto& one : json["paths"]) EXPECT_EQ(one["path"], path);
}

INSTANTIATE_TEST_SUITE_P(Paths, ClientStatesTest,
                         testing::Combine(testing::Values("mapped", "one-sided", "emulated"), testing::Values(1, 2),
                                          testing::Values(1, 3)),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param) + "_" + std::to_string(std::get<1>(test.param)) +
                                              "_" + std::to_string(std::get<2>(test.param));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace runnel::test
