// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/checkpoint/checkpoint_list.h"

namespace runnel {

/// A test of the run that a checkpoint is of.
struct CheckpointTest {
  std::int64_t step = 0;  ///< after which it was made
  double loss = 0;
  std::vector<std::pair<std::string, double>> metrics;  ///< in the order of the objective's
};

/// The last one in `account`, a manifest's; nothing where there is none. `account` has, under "tests", an array of
/// objects with "step", "loss" and "metrics", an object of numbers.
std::optional<CheckpointTest> last_test(const std::string& account);

/// The last test of a checkpoint that can be used.
std::optional<CheckpointTest> test_of(const ListedCheckpoint& one);

/// What `directory` has, which is a folder of checkpoints or a checkpoint itself. Throws `RunError` (input_missing)
/// where there is no such folder.
std::vector<ListedCheckpoint> checkpoints_in(const std::filesystem::path& directory);

/// Of two checkpoints with a test, whether the last test of `a` is better: by the first metric that is a share of right
/// answers (accuracy, top5), the higher the better; where there is none by the loss, the lower the better. Of two with
/// equal results the earlier one is better, as it is nearer to the test.
bool is_better(const ListedCheckpoint& a, const ListedCheckpoint& b);

/// For people: a line each, the problems below. `verified`: every byte of the good ones was read.
std::string checkpoint_table(const std::vector<ListedCheckpoint>& list, bool verified);

/// For scripts: an array, with an object for each checkpoint.
std::string checkpoints_json(const std::vector<ListedCheckpoint>& list, bool verified);

}  // namespace runnel
