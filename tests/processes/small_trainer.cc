// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// small_trainer STEPS [RANK WHAT]: a trainer that `runnel run` starts, as a program of a user's would be one. In all
// but STEPS = 0 it joins the run. The trainer RANK does WHAT: "leave" before it joins; or in its third step "status3",
// "kill" or "abandon".
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/client/client.h"

namespace runnel::test {
namespace {

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

ClientOptions options_of_launcher() {
  ClientOptions options{.generators = std::stoi(variable("RUNNEL_GENERATORS"))};
  std::istringstream settings(variable("RUNNEL_SETTINGS"));
  for (std::string setting; std::getline(settings, setting);) options.settings.push_back(setting);
  return options;
}

void fail_as(const std::string& what) {
  if (what == "status3") throw std::runtime_error("the user's own error");
  if (what == "kill") raise(SIGKILL);
  if (what == "abandon") _exit(0);
}

void train(std::uint64_t steps, const std::string& failure) {
  const auto place = LocalPlace::from_environment();
  if (!place) throw std::runtime_error("not started by runnel run");
  const std::vector<float> start(100000, 1.0F);
  Client client(std::make_unique<LocalBootstrap>(*place, Deadline::after(std::chrono::seconds(60))),
                {{"weight", {100000}, ClientTensor::Kind::optimized}}, {start}, options_of_launcher());
  while (client.steps() < steps) {
    client.pull();
    if (client.steps() == 3) fail_as(failure);
    if (client.steps() % 1000 == 3) std::printf("step %d\n", static_cast<int>(client.steps())), std::fflush(stdout);
    client.push({.loss = 1, .samples = 1, .lr = 0.1});
  }
  client.close();
  std::puts("trained");
}

int run(const std::vector<std::string>& arguments) {
  const bool is_chosen = arguments.size() > 2 && variable("RANK") == arguments[1];
  const std::string what = is_chosen ? arguments[2] : "";
  const auto steps = std::stoull(arguments.at(0));
  if (steps == 0 || what == "leave") return 0;
  try {
    train(steps, what);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "small trainer: %s\n", error.what());
    return dynamic_cast<const RunError*>(&error) != nullptr ? static_cast<int>(status_of(error)) : 3;
  }
  return 0;
}

}  // namespace
}  // namespace runnel::test

int main(int argc, char** argv) {
  return runnel::test::run({argv + 1, argv + argc});
}
