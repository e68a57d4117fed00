// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/inspect_command.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "runtime/launch/launch_place.h"
#include "trainer/command/program_name.h"
#include "trainer/inspect/file_summary.h"
#include "trainer/inspect/shown_text.h"
#include "trainer/inspect/summary_json.h"
#include "trainer/inspect/summary_text.h"
#include "transport/log.h"

namespace runnel {
namespace {

// `@`: the program's name.
constexpr std::string_view kExamples = R"(Examples:
  @ inspect digits.npz                     its arrays, their first samples, and the configuration that uses them
  @ inspect mnist/ table.csv net.pt2       several files, or folders of files
  @ inspect text.bin --tokens uint16       raw tokens, which nothing in the file tells
  @ inspect data.npz --samples 0 --json    for scripts

Reads IDX (plain or gzip), npy, npz, csv, safetensors, pt2, CIFAR's binary files, and folders of IDX, npy or CIFAR files.
Exit status: 0 done, 64 usage; of the first file that cannot be read: 65 bad data, 66 missing.)";

/// Whether the terminal shows UTF-8, by the first of the variables that decide that.
bool terminal_takes_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    std::string locale = value;
    std::ranges::transform(locale, locale.begin(), [](unsigned char c) { return std::tolower(c); });
    return locale.find("utf-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

/// The summaries of what can be read; appends the errors of the rest to `problems`.
std::vector<FileSummary> inspect_all(const InspectCommand::Options& options, std::vector<RunError>& problems) {
  InspectOptions how{.samples = static_cast<std::size_t>(options.samples)};
  if (!options.tokens.empty()) how.tokens = options.tokens == "uint16" ? ElementType::uint16 : ElementType::uint32;
  std::vector<FileSummary> summaries;
  for (const std::string& file : options.files) {
    try {
      summaries.push_back(inspect(file, how));
      const auto& found = summaries.back().problems;
      problems.insert(problems.end(), found.begin(), found.end());
    } catch (const RunError& error) {
      problems.push_back(error);
    }
  }
  return summaries;
}

void print(const std::vector<FileSummary>& summaries, bool as_json) {
  std::string text = as_json ? summaries_json(summaries) : "";
  const Drawing drawing = stdout_obeys_escapes() && terminal_takes_utf8() ? Drawing::half_blocks : Drawing::ascii;
  for (const FileSummary& summary : summaries) {
    if (!as_json) text += (text.empty() ? "" : "\n") + summary_text(summary, drawing);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

InspectCommand::InspectCommand(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(kName, "Show what is in data or model files, and how to use it");
  command.footer(with_program_name(kExamples, app.get_name()));
  command.add_option("FILE", options_.files, "Files, or folders of files")->required();
  command.add_option("--samples", options_.samples, "Samples of each array to show (3)")->check(CLI::Range(0, 1000));
  command.add_option("--tokens", options_.tokens, "Read the files as raw tokens of this type")
      ->check(CLI::IsMember({"uint16", "uint32"}));
  command.add_flag("--json", options_.json, "Print one JSON document, an array of the files");
}

int InspectCommand::run() const {
  constexpr std::size_t kLongest = 4000;
  std::vector<RunError> problems;
  print(inspect_all(options_, problems), options_.json);
  if (!problems.empty()) std::fflush(stdout);
  for (const RunError& problem : problems) log_error(shown(problem.what(), kLongest));
  if (!problems.empty()) throw AlreadyReported(problems.front().status());
  return 0;
}

}  // namespace runnel
