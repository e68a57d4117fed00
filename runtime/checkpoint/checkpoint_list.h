// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runtime/checkpoint/checkpoint.h"

namespace runnel {

/// A folder step-N among checkpoints.
struct ListedCheckpoint {
  std::filesystem::path folder = {};
  std::int64_t step = 0;
  std::optional<Checkpoint> checkpoint = {};  ///< nothing: it cannot be used
  std::string problem = {};                   ///< why not
};

/// What `directory` has, the newest first; each checked as `Checkpoint` does, so without the tensors' bytes. Throws
/// `RunError` (input_missing) where there is no such folder.
std::vector<ListedCheckpoint> list_checkpoints(const std::filesystem::path& directory);

/// The checkpoint to go on from.
struct NewestGood {
  std::optional<Checkpoint> checkpoint;  ///< nothing: there is none
  std::vector<std::string> problems;     ///< of those that are newer
};

/// The newest checkpoint of `directory` that is good to the last byte: reads all of it, and of newer ones that are
/// damaged. Nothing where the folder is missing.
NewestGood newest_good(const std::filesystem::path& directory, const CheckpointProgress& progress = {});

/// N of a name "step-N", as it is written; nothing for another name.
std::optional<std::int64_t> step_of(const std::string& name);

}  // namespace runnel
