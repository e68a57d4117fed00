// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// small_run DIRECTORY LAST [hold | careless]: a run that writes a checkpoint of two shards after each step, keeps two,
// and goes on from the newest good one up to step LAST. Prints each step whose checkpoint is finished. `hold`: only
// takes the lock, and waits. `careless`: removes the older checkpoint before it writes one.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_folder.h"
#include "runtime/checkpoint/checkpoint_list.h"
#include "runtime/checkpoint/checkpoint_writer.h"
#include "tests/runtime/checkpoint/sample_checkpoint.h"

namespace {

void run(const std::string& directory, std::int64_t last, bool is_careless) {
  constexpr std::size_t kKeep = 2;
  const runnel::test::SampleModel model(1, 40);
  const runnel::CheckpointFolder folder(directory);
  const auto newest = runnel::newest_good(directory);
  std::int64_t step = newest.checkpoint ? newest.checkpoint->manifest().step : 0;
  while (++step <= last) {
    if (is_careless) std::filesystem::remove_all(runnel::step_folder(directory, step - 1));
    model.write(directory, step, 2, "process " + std::to_string(getpid()));
    std::printf("%lld\n", static_cast<long long>(step));
    std::fflush(stdout);
    folder.retain(kKeep, step);
  }
}

void hold(const std::string& directory) {
  const runnel::CheckpointFolder folder(directory);
  std::puts("held");
  std::fflush(stdout);
  pause();
}

}  // namespace

int main(int argc, char** argv) {
  alarm(60);
  const std::string way = argc > 3 ? argv[3] : "";
  try {
    if (way == "hold") {
      hold(argv[1]);
    } else {
      run(argv[1], std::atoi(argv[2]), way == "careless");
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(runnel::status_of(error));
  }
}
