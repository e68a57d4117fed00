// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/command/usage_error.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/nearest_word.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

/// The command that the user chose, or else the program.
const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

/// Commands or options that could have stood where `word` stands.
std::vector<std::string> known_words(const CLI::App& command, std::string_view word) {
  std::vector<std::string> words;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
  } else {
    for (const CLI::App* known : command.get_subcommands([](const CLI::App*) { return true; })) {
      words.push_back(known->get_name());
    }
  }
  return words;
}

std::string about_unknown_word(const CLI::App& command, const std::string& word) {
  const std::string_view name = std::string_view(word).substr(0, word.find('='));
  const std::vector<std::string> known = known_words(command, name);
  const std::string_view nearest = nearest_word(name, std::vector<std::string_view>(known.begin(), known.end()));
  std::string text = word.starts_with('-') ? "unknown option"
                     : known.empty()       ? "unexpected argument"
                                           : "unknown command";
  text += " '" + printable(word.substr(0, valid_utf8_bytes(word)), 80) + "'";
  return nearest.empty() ? text : text + ", did you mean '" + std::string(nearest) + "'?";
}

std::string help_of(const CLI::App& command) {
  const CLI::App* program = command.get_parent();
  return (program == nullptr ? "" : program->get_name() + ' ') + command.get_name() + " --help";
}

RunError usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(app);
  // What a command runs is not for it to know.
  const std::vector<std::string> unknown =
      command.get_prefix_command() ? std::vector<std::string>() : app.remaining(true);
  std::string text = unknown.empty() ? error.what() : about_unknown_word(command, unknown.front());
  std::ranges::replace(text, '\n', ' ');
  return {ExitStatus::usage, text + "; see " + help_of(command)};
}

}  // namespace

RunError unknown_option(const CLI::App& command, const std::string& option) {
  return {ExitStatus::usage, about_unknown_word(command, option) + "; see " + help_of(command)};
}

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error);
  }
  return std::nullopt;
}

}  // namespace runnel
