// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/processes/runnel_program.h"

#include <gtest/gtest.h>

#include <fstream>

namespace runnel::test {

RunnelProgram::RunnelProgram() {
  write_idx_folder(folder(), 640, 200);
  std::ofstream(config()) << "data.path = '.'\n"
                             "trainer = { batch_size = 16, test_batch_size = 100, device = 'cpu' }\n"
                             "generator = { device = 'cpu' }\n"
                             "run = { max_gradients = 20, log_every = 1 }\n";
  // Runs of another user write here too.
  std::filesystem::permissions(folder(), std::filesystem::perms::all);
}

std::vector<std::string> RunnelProgram::train(const std::vector<std::string>& more) const {
  return std::vector<std::string>{RUNNEL_PROGRAM, "train", config(), "--report", report_file()} + more;
}

std::vector<std::string> RunnelProgram::mpirun(int ranks, const std::vector<std::string>& more) const {
  return std::vector<std::string>{"mpirun", "-n", std::to_string(ranks)} + train(more);
}

nlohmann::json RunnelProgram::run(const std::vector<std::string>& argv) const {
  Job job({.argv = argv});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  return report();
}

nlohmann::json RunnelProgram::report() const {
  return nlohmann::json::parse(std::ifstream(report_file()));
}

std::vector<std::string> endless() {
  return {"--set", "run.max_gradients=0", "--set", "run.max_epochs=1000000"};
}

std::vector<std::string> operator+(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace runnel::test
