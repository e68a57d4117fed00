// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/suggestion.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "runtime/base/file_name.h"
#include "runtime/base/joined.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config.h"
#include "trainer/arrays/usual_names.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// What arrays are for.
struct Fields {
  std::vector<std::string> inputs;
  std::string target;  ///< empty: none found
};

/// Whether one of the words of `name` is usual for a target.
bool names_target(const std::string& name) {
  std::string word;
  for (const char c : name + " ") {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    if (is_usual_target(word)) return true;
    word.clear();
  }
  return false;
}

std::int64_t samples_of(const ArraySummary& array) {
  return array.shape.empty() ? 0 : array.shape.front();
}

/// The target by its name, of several the one with most samples; null without one.
const ArraySummary* find_target(const std::vector<ArraySummary>& arrays) {
  const ArraySummary* found = nullptr;
  for (const ArraySummary& array : arrays) {
    if (!names_target(array.name) || samples_of(array) == 0) continue;
    if (found == nullptr || samples_of(array) > samples_of(*found)) found = &array;
  }
  return found;
}

Fields choose_fields(const std::vector<ArraySummary>& arrays) {
  const ArraySummary* target = find_target(arrays);
  const ArraySummary& sized = target == nullptr ? arrays.front() : *target;
  Fields fields;
  for (const ArraySummary& array : arrays) {
    const bool is_input = samples_of(array) == samples_of(sized) && (target == nullptr || !names_target(array.name));
    if (is_input) fields.inputs.push_back(array.name);
  }
  if (target != nullptr) {
    fields.target = target->name;
  } else if (fields.inputs.size() > 1) {
    fields.target = fields.inputs.back();
    fields.inputs.pop_back();
  }
  return fields;
}

/// `lines`, unless a name in them is not UTF-8.
std::string checked(const std::string& lines) {
  if (valid_utf8_bytes(lines) == lines.size()) return lines;
  return "# a name is not UTF-8, as TOML needs it: rename the file or the array\n";
}

std::string path_line(const std::string& key, const fs::path& path) {
  return key + " = " + quoted(without_dots(fs::absolute(path)).string()) + "\n";
}

std::string data_lines(const std::string& name, const fs::path& path) {
  return "[data]\nname = \"" + name + "\"\n" + path_line("path", path);
}

std::string field_lines(const std::string& name, const fs::path& path, const Fields& fields) {
  const bool is_complete = !fields.inputs.empty() && !fields.target.empty();
  const std::vector<std::string> inputs = fields.inputs.empty() ? std::vector<std::string>{"x"} : fields.inputs;
  return checked(data_lines(name, path) + "options = { inputs = [" + joined(inputs, ", ", quoted) +
                 "], target = " + quoted(fields.target.empty() ? "y" : fields.target) + " }" +
                 (is_complete ? "" : "  # inputs and target need an array each") + "\ntest_fraction = 0.1\n");
}

}  // namespace

std::string suggest_arrays(const std::string& name, const fs::path& path, const std::vector<ArraySummary>& arrays) {
  return arrays.empty() ? "" : field_lines(name, path, choose_fields(arrays));
}

std::string suggest_table(const fs::path& path, const std::vector<std::string>& columns) {
  Fields fields{.inputs = columns, .target = ""};
  std::erase(fields.inputs, "");  // the index that pandas writes
  // The last column; but "input" is the field of all inputs.
  const auto last = std::ranges::find_if_not(fields.inputs.rbegin(), fields.inputs.rend(),
                                             [](const std::string& name) { return name == "input"; });
  if (last != fields.inputs.rend()) {
    fields.target = *last;
    fields.inputs.erase(std::next(last).base());
  }
  return field_lines("csv", path, fields);
}

std::string suggest_tokens(const fs::path& path, std::string_view type) {
  const std::string of_type = type.empty() ? "" : "type = \"" + std::string(type) + "\", ";
  return checked(data_lines("tokens", path) + "options = { " + of_type + "context = 128 }\ntest_fraction = 0.1\n");
}

std::string suggest_mnist(const fs::path& folder) {
  return checked(data_lines("mnist", folder));
}

std::string suggest_cifar(const fs::path& folder, int classes) {
  return checked(data_lines("cifar", folder) + "options = { classes = " + std::to_string(classes) + " }\n");
}

std::string suggest_model(const std::string& name, const std::string& key, const fs::path& file) {
  return checked("[model]\n" + (name.empty() ? "" : "name = \"" + name + "\"\n") + path_line(key, file));
}

bool look_like_samples(const std::vector<ArraySummary>& arrays) {
  const ArraySummary* target = find_target(arrays);
  return target != nullptr && std::ranges::any_of(arrays, [&](const ArraySummary& array) {
           return &array != target && samples_of(array) == samples_of(*target);
         });
}

}  // namespace runnel
