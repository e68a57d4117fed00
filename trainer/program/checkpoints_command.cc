// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/checkpoints_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_export.h"
#include "runtime/launch/launch_place.h"
#include "trainer/command/program_name.h"
#include "trainer/inspect/shown_text.h"
#include "trainer/program/checkpoint_table.h"
#include "transport/log.h"

namespace runnel {
namespace {

// `@`: the program's name.
constexpr std::string_view kExamples = R"(Examples:
  @ checkpoints ckpt                              each one: step, date, size, good or what is wrong, last test
  @ checkpoints ckpt --verify                     reads every byte
  @ checkpoints ckpt --export net.safetensors     the newest good one as weights, for model.init or PyTorch
  @ checkpoints ckpt --best --export net.safetensors
  @ checkpoints ckpt/step-400 --export net.safetensors

The best is the one whose last test has the highest accuracy (or top5), else the lowest loss.
Exit status: 0 done, 64 usage, 65 nothing good, 66 no such folder, 73 and 74 the file cannot be made or written.)";

/// Draws how much is read, where that can be seen.
class ProgressLine {
 public:
  ~ProgressLine() {
    if (last_ >= 0) std::fputs("\r\x1b[K", stderr);
  }

  void show(const ListedCheckpoint& one, std::uint64_t bytes, std::uint64_t of) {
    const int percent = static_cast<int>(100 * static_cast<double>(bytes) / static_cast<double>(of));
    if (!is_seen_ || percent == last_) return;
    last_ = percent;
    std::fprintf(stderr, "\rstep %lld: %d %% read\x1b[K", static_cast<long long>(one.step), percent);
  }

 private:
  const bool is_seen_ = isatty(STDERR_FILENO) == 1 && stdout_obeys_escapes();
  int last_ = -1;
};

/// Reads every byte, and marks what is damaged.
void verify(ListedCheckpoint& one) {
  if (!one.checkpoint) return;
  try {
    ProgressLine line;
    one.checkpoint->verify([&](std::uint64_t bytes, std::uint64_t of) { line.show(one, bytes, of); });
  } catch (const RunError& error) {
    one.checkpoint.reset();
    one.problem = error.what();
  }
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The first of `list` that is good to the last byte, alone; reports those before it.
std::vector<ListedCheckpoint> first_good(std::vector<ListedCheckpoint> list) {
  std::vector<ListedCheckpoint> first;
  for (ListedCheckpoint& one : list) {
    verify(one);
    if (!one.checkpoint) {
      log_warning(shown(one.problem, 1000));
      continue;
    }
    first.push_back(std::move(one));
    break;
  }
  return first;
}

/// Those with a test, the best first.
std::vector<ListedCheckpoint> by_merit(std::vector<ListedCheckpoint> list) {
  std::erase_if(list, [](const ListedCheckpoint& one) { return !test_of(one); });
  std::ranges::sort(list, is_better);
  return list;
}

}  // namespace

CheckpointsCommand::CheckpointsCommand(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(kName, "List checkpoints, check them, or export one as weights");
  command.footer(with_program_name(kExamples, app.get_name()));
  command.add_option("DIRECTORY", options_.directory, "A folder of checkpoints, or one checkpoint")->required();
  command.add_flag("--verify", options_.verify, "Read every byte of what is listed");
  command.add_flag("--best", options_.best, "Only the one with the best last test");
  command.add_option("--export", options_.export_file, "Write the newest good one, or the best, as safetensors")
      ->type_name("FILE");
  command.add_flag("--json", options_.json, "Print one JSON document, an array of the checkpoints");
}

int CheckpointsCommand::run() const {
  std::vector<ListedCheckpoint> list = checkpoints_in(options_.directory);
  if (options_.verify) std::ranges::for_each(list, verify);
  if (options_.best) list = by_merit(std::move(list));
  const bool is_export = !options_.export_file.empty();
  if (is_export) list = first_good(std::move(list));
  if (options_.best && !list.empty()) list.erase(list.begin() + 1, list.end());
  const bool is_good = std::ranges::any_of(list, [](const auto& one) { return one.checkpoint.has_value(); });
  if (is_export && is_good) export_weights(*list.front().checkpoint, options_.export_file);
  const bool is_read = options_.verify || is_export;
  print(options_.json ? checkpoints_json(list, is_read) : checkpoint_table(list, is_read));
  if (is_good) return 0;
  std::fflush(stdout);
  throw RunError(ExitStatus::bad_data, options_.directory + ": has no good checkpoint" +
                                           (options_.best ? " with the result of a test; leave out --best" : ""));
}

}  // namespace runnel
