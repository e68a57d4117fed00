// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/processes/runnel_program.h"

/// What a model has besides trained parameters: it comes from model.init into every process, and out of a job by
/// --save. The model is StateNet of tests/python/state_net.py.
namespace runnel::test {
namespace {

/// A file's tensors, as they are: type, shape, bytes.
std::map<std::string, std::string> read_state(const std::string& file) {
  const SafetensorsFile opened(file);
  std::map<std::string, std::string> state;
  for (const StoredTensor& one : opened.tensors()) {
    std::string& text = state[one.name];
    text = std::string(dtype_of(one.type)) + ' ' + nlohmann::json(one.shape).dump() + ' ';
    text.append(reinterpret_cast<const char*>(one.bytes.data()), one.bytes.size());
  }
  return state;
}

std::int64_t count_of(const std::string& file) {
  const SafetensorsFile opened(file);
  const StoredTensor* const count = opened.find("norm.num_batches_tracked");
  std::int64_t value = -1;
  if (count != nullptr && count->bytes.size() == sizeof value) std::memcpy(&value, count->bytes.data(), sizeof value);
  return value;
}

class State : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return program_.folder() / name; }

  std::vector<std::string> options(const std::string& save, const std::string& init = "") const {
    std::vector<std::string> all = {"--save", file(save), "--set",
                                    "model={name='export', file='" RUNNEL_FIXTURE_FOLDER "/exported_state.pt2'}"};
    if (!init.empty()) all = all + std::vector<std::string>{"--set", "model.init=" + file(init)};
    return all;
  }

  nlohmann::json run(const std::vector<std::string>& way, const std::vector<std::string>& more) const {
    return program_.run(program_.train(way + more));
  }

  /// Trains twice, the second time from the first one's result.
  void expect_round_trip(const std::vector<std::string>& way) const {
    const std::int64_t steps = run(way, options("middle"))["steps"];
    EXPECT_EQ(run(way, options("end", "middle"))["steps"], steps);
    EXPECT_GT(steps, 1);
    EXPECT_EQ(count_of(file("middle")), steps);
    EXPECT_EQ(count_of(file("end")), 2 * steps);
    const auto middle = read_state(file("middle"));
    const auto end = read_state(file("end"));
    EXPECT_EQ(middle.size(), 15U);
    EXPECT_EQ(middle.at("again.weight"), middle.at("once.weight"));
    EXPECT_EQ(end.at("again.weight"), end.at("once.weight"));
    for (const char* name : {"frozen.weight", "frozen.bias", "scale", "mask"}) {
      EXPECT_EQ(middle.at(name), end.at(name)) << name;
    }
    for (const char* name : {"once.weight", "norm.running_mean"}) EXPECT_NE(middle.at(name), end.at(name)) << name;
  }

  RunnelProgram program_;
};

class StateOfAJob : public State, public testing::WithParamInterface<std::tuple<const char*, int>> {};

TEST_P(StateOfAJob, IsSavedAndIsWhereTheNextRunBegins) {
  const auto& [path, generators] = GetParam();
  expect_round_trip({"-n", "2", "--set", std::string("transport.path=") + path, "--set",
                     "generator.count=" + std::to_string(generators)});
}

INSTANTIATE_TEST_SUITE_P(Paths, StateOfAJob,
                         testing::Values(std::tuple("mapped", 1), std::tuple("one-sided", 2),
                                         std::tuple("emulated", 1)),
                         [](const auto& test) {
                           std::string path = std::get<0>(test.param);
                           std::erase(path, '-');
                           return path + std::to_string(std::get<1>(test.param));
                         });

TEST_F(State, IsSavedAndIsWhereTheNextRunBeginsAlone) {
  expect_round_trip({"--alone"});
}

TEST_F(State, OfTheFileIsUsedByEveryProcessThatComputes) {
  const std::vector<std::string> one_step = {"--set", "run.max_gradients=1"};
  run({"--alone"}, options("own") + one_step);
  const SafetensorsFile own(file("own"));
  std::vector<StoredTensor> tensors = own.tensors();
  const Bytes zeros(324 * 16 * sizeof(float));
  std::ranges::find(tensors, "frozen.weight", &StoredTensor::name)->bytes = std::as_bytes(std::span(zeros));
  write_safetensors(file("edited"), tensors);

  const auto loss = [&](const char* way, const char* init) -> double {
    return run({way}, options("end", init) + one_step)["loss"][0][1];
  };
  const double expected = loss("--alone", "edited");
  EXPECT_NE(expected, loss("--alone", "own"));
  EXPECT_EQ(expected, loss("-n1", "edited"));
}

TEST_F(State, HoldsTheFirstTrainersBuffersWhereTheyAreLocal) {
  const std::vector<std::string> local = {"--set", "model.buffers=local"};
  run({"-n2"}, options("job") + local);
  const auto job = read_state(file("job"));
  EXPECT_EQ(job.size(), 15U);
  const std::string of_the_model("F32 [4] \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
  EXPECT_NE(job.at("norm.running_mean"), of_the_model);
  run({"--alone"}, options("alone", "job") + local);
  EXPECT_EQ(count_of(file("alone")), count_of(file("job")) + 20);
}

}  // namespace
}  // namespace runnel::test
