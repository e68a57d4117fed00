// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/client/client.h"
#include "runtime/generator/serve.h"
#include "tests/processes/client_job.h"
#include "tests/support/peer_process.h"

/// How the runs of `Client`s end early, and what they leave to the process that they are in.
namespace runnel::test {
namespace {

/// What a client of the job below throws.
std::string text_of_failure(Client& client) {
  try {
    for (;;) {
      client.pull();
      compute(client);
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
    const std::vector<std::vector<float>> values = start_values(/*trainer=*/0);
    if (what == "loads") client->load_values({values.begin(), values.end()});
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
                                         Failure{"LoadsAlone", "loads", "generator is lost", 78},
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

/// Of two trainers, the first one has ended, process and connections, when the other one learns of the end.
RUNNEL_PEER(client_late_at_the_end) {
  bool late = false;
  ClientOptions options = options_of({"1", "emulated", "0"});
  options.while_waiting = [&] {
    if (std::exchange(late, false)) std::this_thread::sleep_for(std::chrono::seconds(1));
  };
  const auto client = join(bootstrap, options);
  client->push({.lr = 0.1});
  client->pull();
  late = client->index() == 1;
  // The other one waits already: it leaves first, and sleeps when the end is rung.
  if (!late) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  client->close();
}

TEST(ClientProcessTest, ATrainerMayBeGoneBeforeAnotherOneConfirmsTheEnd) {
  PeerProcesses peers("client_late_at_the_end", {}, 2);
  EXPECT_NO_THROW(serve(peers.bootstrap(), 1));
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
