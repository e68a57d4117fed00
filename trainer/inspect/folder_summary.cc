// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/folder_summary.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/base/file_name.h"
#include "trainer/arrays/idx.h"
#include "trainer/arrays/npy.h"
#include "trainer/inspect/suggestion.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// Names of what is in `folder`, in order. Throws `RunError` (input_missing).
std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error) throw RunError(ExitStatus::input_missing, folder.string() + ": cannot be opened: " + error.message());
  std::ranges::sort(names);
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool are_mnist(const std::vector<std::string>& names) {
  constexpr std::array<std::string_view, 4> kFiles = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                      "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  return std::ranges::all_of(kFiles, [&](std::string_view file) {
    return contains(names, file) || contains(names, std::string(file) + ".gz");
  });
}

bool is_npy(const std::string& name) {
  return name.ends_with(".npy");
}

bool is_idx(const std::string& name) {
  return name.ends_with("-ubyte") || name.ends_with("-ubyte.gz") || name.ends_with(".idx");
}

/// The first training file of CIFAR; empty without one.
std::string cifar_file(const std::vector<std::string>& names) {
  if (contains(names, "data_batch_1.bin")) return "data_batch_1.bin";
  return contains(names, "train.bin") && contains(names, "test.bin") ? "train.bin" : "";
}

FileSummary inspect_cifar_folder(const fs::path& folder, const std::string& file, const InspectOptions& options) {
  FileSummary summary = inspect(folder / file, options);
  summary.path = folder;
  summary.format = "folder of " + summary.format;
  summary.notes.push_back("read: " + file);
  return summary;
}

}  // namespace

FileSummary inspect_folder(const fs::path& folder, const InspectOptions& options) {
  const std::vector<std::string> names = names_in(folder);
  if (const std::string file = cifar_file(names); !file.empty()) return inspect_cifar_folder(folder, file, options);
  FileSummary summary{.path = folder, .format = are_mnist(names) ? "folder of MNIST's files" : "folder of arrays"};
  const bool has_npy = std::ranges::any_of(names, is_npy);
  std::vector<ArraySummary> of_one_kind;  // which is all that a data set reads
  for (const std::string& name : names) {
    if (!is_npy(name) && !is_idx(name)) continue;
    try {
      summary.arrays.push_back(summarize(is_idx(name) ? read_idx(folder / name) : read_npy(folder / name), options));
      if (is_npy(name) == has_npy) of_one_kind.push_back(summary.arrays.back());
    } catch (const RunError& error) {
      summary.problems.push_back(error);
    }
  }
  if (summary.arrays.empty() && summary.problems.empty()) {
    throw RunError(ExitStatus::bad_data,
                   folder.string() +
                       ": expected a folder with MNIST's or CIFAR's files, or with .npy or IDX files, "
                       "found none of them; name a file in it");
  }
  summary.configuration =
      are_mnist(names) ? suggest_mnist(folder) : suggest_arrays(has_npy ? "npy" : "idx", folder, of_one_kind);
  return summary;
}

std::vector<ArraySummary> arrays_beside(const fs::path& file, const Array& array) {
  std::vector<ArraySummary> arrays = {{.name = array.name, .type = array.type, .shape = array.shape}};
  const fs::path folder = folder_of(file);
  for (const std::string& name : names_in(folder)) {
    if (!is_npy(name) || name == file.filename() || array.shape.empty()) continue;
    try {
      const Array other = read_npy(folder / name);
      const bool fits = !other.shape.empty() && other.shape.front() == array.shape.front();
      if (fits) arrays.push_back({.name = other.name, .type = other.type, .shape = other.shape});
    } catch (const RunError&) {  // nobody asked for that file
    }
  }
  return arrays;
}

bool holds_mnist(const fs::path& folder) {
  return are_mnist(names_in(folder));
}

}  // namespace runnel
