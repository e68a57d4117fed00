// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint_list.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

ListedCheckpoint listed(const fs::path& folder, std::int64_t step) {
  ListedCheckpoint one{.folder = folder, .step = step};
  try {
    Checkpoint checkpoint(folder);
    if (const std::int64_t found = checkpoint.manifest().step; found != step) {
      throw RunError(ExitStatus::bad_data, folder.string() + ": its manifest is of step " + std::to_string(found));
    }
    one.checkpoint = std::move(checkpoint);
  } catch (const RunError& error) {
    one.problem = error.what();
  }
  return one;
}

}  // namespace

std::optional<std::int64_t> step_of(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t step = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
  if (step < 0 || std::string(kPrefix) + std::to_string(step) != name) return std::nullopt;
  return step;
}

std::vector<ListedCheckpoint> list_checkpoints(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) throw RunError(ExitStatus::input_missing, directory.string() + ": cannot be read: " + error.message());
  std::vector<ListedCheckpoint> list;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::optional<std::int64_t> step = step_of(entries->path().filename().string());
    std::error_code unreadable;
    if (step && entries->is_directory(unreadable)) list.push_back(listed(entries->path(), *step));
  }
  std::ranges::sort(list, std::greater(), &ListedCheckpoint::step);
  return list;
}

NewestGood newest_good(const fs::path& directory, const CheckpointProgress& progress) {
  NewestGood newest;
  std::error_code unreadable;
  if (!fs::exists(directory, unreadable)) return newest;
  for (ListedCheckpoint& one : list_checkpoints(directory)) {
    try {
      if (one.checkpoint) one.checkpoint->verify(progress);
    } catch (const RunError& error) {
      one.checkpoint.reset();
      one.problem = error.what();
    }
    if (one.checkpoint) {
      newest.checkpoint = std::move(one.checkpoint);
      break;
    }
    newest.problems.push_back(one.problem);
  }
  return newest;
}

}  // namespace runnel
