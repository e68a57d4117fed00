// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/generator/serve.h"
#include "runtime/liveness/liveness.h"
#include "tests/support/peer_process.h"
#include "tests/support/temporary_folder.h"

/// Client and serve in real processes, against a plain loop.
namespace runnel::test {
namespace {

/// Adapts the bootstrap of a peer process, which outlives it.
class BorrowedBootstrap final : public Bootstrap {
 public:
  explicit BorrowedBootstrap(Bootstrap& lender) : lender_(lender) {}

  int rank() const override { return lender_.rank(); }
  int size() const override { return lender_.size(); }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile) override {
    return lender_.all_gather(mine, deadline, meanwhile);
  }
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile) override { lender_.barrier(deadline, meanwhile); }

 private:
  Bootstrap& lender_;
};

using Kind = ClientTensor::Kind;

const std::vector<ClientTensor> kTensors = {{"weight", {61, 1000}, Kind::optimized},
                                            {"bias", {7}, Kind::optimized},
                                            {"scalar", {}, Kind::averaged},
                                            {"mean", {33, 31}, Kind::synced}};

std::size_t size_of(const ClientTensor& tensor) {
  std::size_t size = 1;
  for (const auto dimension : tensor.shape) size *= static_cast<std::size_t>(dimension);
  return size;
}

float start_value(std::size_t tensor, std::size_t i) {
  return 1.0F + static_cast<float>((i + 13 * tensor) % 97) / 97.0F;
}

double learning_rate(std::uint64_t step) {
  return 0.01 * static_cast<double>(1 + step % 3);
}

float handed_over(int trainer, std::uint64_t step, std::size_t i, float value) {
  const std::uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15 ^ (step + 1) * 0xbf58476d1ce4e5b9;
  return (static_cast<float>((mixed >> 40) % 1001) / 1001.0F - 0.5F + 0.1F * value) /
         static_cast<float>(3 * trainer + 1);
}

/// Trainers stop one after the other, the first one last or first.
std::uint64_t steps_of(int trainer, int trainers, bool first_is_last) {
  return static_cast<std::uint64_t>(4 + 3 * (first_is_last ? trainers - trainer : trainer));
}

/// Element `i` of tensor `tensor` after `steps` steps.
float plain_value(std::size_t tensor, std::size_t i, int trainers, bool first_is_last, std::uint64_t steps) {
  float value = start_value(tensor, i);
  for (std::uint64_t step = 0; step < steps; ++step) {
    float sum = 0;
    double mean = 0;
    for (int trainer = 0; trainer < trainers; ++trainer) {
      const bool takes_part = step < steps_of(trainer, trainers, first_is_last);
      const float absent = kTensors[tensor].kind == Kind::synced ? value : 0.0F;
      const float part = takes_part ? handed_over(trainer, step, i, value) : absent;
      sum += part;
      mean += part;
    }
    if (kTensors[tensor].kind == Kind::optimized) {
      value -= static_cast<float>(learning_rate(step)) * sum;
    } else {
      value = static_cast<float>(mean / trainers);
    }
  }
  return value;
}

std::vector<std::vector<float>> start_values(int trainer) {
  std::vector<std::vector<float>> values;
  for (std::size_t tensor = 0; tensor < kTensors.size(); ++tensor) {
    auto& value = values.emplace_back(size_of(kTensors[tensor]));
    // Only the first trainer's count.
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = trainer == 0 ? start_value(tensor, i) : -7.0F;
  }
  return values;
}

std::unique_ptr<Client> join(Bootstrap& bootstrap, const ClientOptions& options) {
  const auto values = start_values(bootstrap.rank() - options.generators);
  return std::make_unique<Client>(std::make_unique<BorrowedBootstrap>(bootstrap), kTensors,
                                  std::vector<std::span<const float>>(values.begin(), values.end()), options);
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void compute(Client& client, bool early) {
  for (std::size_t tensor = kTensors.size(); tensor-- > 0;) {
    const auto value = client.value(client.buffer(), tensor);
    const auto gradient = client.gradient(client.slot(), tensor);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = handed_over(client.index(), client.steps(), i, value[i]);
    }
    if (early) client.gradient_ready(tensor);
  }
}

ClientOptions options_of(const std::vector<std::string>& arguments) {
  ClientOptions options{
      .generators = std::stoi(arguments.at(0)),
      .settings = {"optimizer.name=sgd", "transport.bucket_bytes=16384", "transport.path=" + arguments.at(1)}};
  for (std::size_t i = 3; i < arguments.size(); ++i) options.settings.push_back(arguments[i]);
  return options;
}

RUNNEL_PEER(uneven_client) {
  const ClientOptions options = options_of(arguments);
  if (bootstrap.rank() < options.generators) return serve(bootstrap, options.generators);
  const bool first_is_last = arguments.at(2) == "1";
  const auto client = join(bootstrap, options);
  const std::uint64_t steps = steps_of(client->index(), client->count(), first_is_last);
  while (client->steps() < steps) {
    client->pull();
    compute(*client, /*early=*/false);
    client->push({.loss = 1, .samples = 3, .lr = learning_rate(client->steps())});
  }
  client->pull();
  for (std::size_t tensor = 0; tensor < kTensors.size(); ++tensor) {
    const auto value = client->value(client->buffer(), tensor);
    for (std::size_t i = 0; i < value.size(); ++i) {
      const float expected = plain_value(tensor, i, client->count(), first_is_last, steps);
      require(value[i] == expected, kTensors[tensor].name + "[" + std::to_string(i) + "] is " +
                                        std::to_string(value[i]) + ", not " + std::to_string(expected));
    }
  }
  client->close();
  client->close();
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

/// What a client of the job below throws.
std::string text_of_failure(Client& client) {
  try {
    for (;;) {
      client.pull();
      compute(client, /*early=*/false);
      client.push({.loss = 1, .samples = 1, .lr = 0.1});
    }
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// Trainer 1 does what the argument says in its fourth step; the others must get an exception with a text that has the
/// next argument, and all calls fail from then on.
RUNNEL_PEER(client_that_fails) {
  const auto client = join(bootstrap, options_of({"1", "mapped", "0"}));
  const std::string& what = arguments.at(0);
  if (client->index() == 1) {
    for (int step = 0; step < 3; ++step) {
      client->pull();
      client->push({.lr = 0.1});
    }
    client->pull();
    if (what == "dies") raise(SIGKILL);
    if (what == "fails") return client->fail();
    if (what == "other_rate") client->push({.lr = 0.2});
    if (what == "nan") client->push({.loss = std::nan(""), .lr = 0.1});
  }
  const std::string text = text_of_failure(*client);
  require(text.find(arguments.at(1)) != std::string::npos, text);
  const std::string again = text_of_failure(*client);
  require(again.find(text) != std::string::npos, again);
}

struct Failure {
  const char* name;
  const char* what;
  const char* text;
  int status;
};

class ClientFailureTest : public testing::TestWithParam<Failure> {};

TEST_P(ClientFailureTest, IsAnExceptionWithATextInAllOthers) {
  const Failure& failure = GetParam();
  PeerProcesses peers("client_that_fails", {failure.what, failure.text}, 3);
  try {
    serve(peers.bootstrap(), 1);
    ADD_FAILURE() << "no error";
  } catch (const RunError& error) {
    EXPECT_EQ(static_cast<int>(error.status()), failure.status) << error.what();
  }
  if (std::string(failure.what) == "dies") peers.signal(2, SIGKILL);
  peers.join();
}

INSTANTIATE_TEST_SUITE_P(Failures, ClientFailureTest,
                         testing::Values(Failure{"Dies", "dies", "trainer 1 is lost", 69},
                                         Failure{"Fails", "fails", "trainer 1 is lost", 69},
                                         Failure{"OtherRate", "other_rate", "generator is lost", 78},
                                         Failure{"NotFinite", "nan", "not finite", 65}),
                         [](const auto& test) { return test.param.name; });

RUNNEL_PEER(client_of_other_optimizer) {
  try {
    join(bootstrap,
         options_of({"1", "mapped", "0", bootstrap.rank() == 2 ? "optimizer.momentum=0.9" : "optimizer.lr=0.1"}));
  } catch (const RunError& error) {
    return require(std::string(error.what()).find("configuration differs") != std::string::npos, error.what());
  }
  throw std::runtime_error("joined");
}

TEST(ClientProcessTest, SettingsThatDifferAreNamedInEachTrainer) {
  PeerProcesses peers("client_of_other_optimizer", {}, 2);
  EXPECT_THROW(serve(peers.bootstrap(), 1), RunError);
  peers.join();
}

struct Interrupt : std::exception {
  const char* what() const noexcept override { return "an interrupt"; }
};

RUNNEL_PEER(client_of_an_interpreter) {
  bool interrupted = false;
  ClientOptions options = options_of({"1", "mapped", "0"});
  options.while_waiting = [&] {
    if (interrupted) throw Interrupt();
  };
  const auto client = join(bootstrap, options);
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD}) {
    require(sigismember(&blocked, signal) == 0, "signal " + std::to_string(signal) + " is blocked");
  }
  client->pull();
  const pid_t child = fork();
  if (child == 0) {
    try {
      client->push({.lr = 0.1});
    } catch (const RunError& error) {
      _exit(std::strstr(error.what(), "forked") == nullptr ? 2 : 0);
    }
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  require(status == 0, "the child of a fork took part, wait status " + std::to_string(status));
  interrupted = true;
  try {
    for (int step = 0; step < 10'000; ++step) {
      client->push({.lr = 0.1});
      client->pull();
    }
  } catch (const Interrupt&) {
    return client->fail();
  }
  throw std::runtime_error("was not called while it waited");
}

TEST(ClientProcessTest, LeavesSignalsToTheProcessAndCallsBackWhileItWaits) {
  PeerProcesses peers("client_of_an_interpreter", {}, 1);
  EXPECT_THROW(serve(peers.bootstrap(), 1), RunError);
  peers.join();
}

}  // namespace
}  // namespace runnel::test
