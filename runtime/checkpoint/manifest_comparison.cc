// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/manifest_comparison.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

constexpr std::size_t kLongest = 200;

/// As it comes back from a manifest: what is not UTF-8 cannot be told apart there.
std::string shown(const std::string& text) {
  return printable(std::string_view(text).substr(0, valid_utf8_bytes(text)), kLongest);
}

/// Throws unless `saved` and `mine`, the values of `what`, are equal.
class Comparison {
 public:
  explicit Comparison(const std::filesystem::path& folder) : folder_(folder) {}

  void require(ExitStatus status, const std::string& what, const std::string& saved, const std::string& mine) const {
    if (saved == mine) return;
    const char* remedy = status == ExitStatus::bad_configuration ? "; set it as it was, or start without --resume" : "";
    throw RunError(status, folder_.string() + ": " + what + ": the checkpoint has " + shown(saved) + ", this run has " +
                               shown(mine) + remedy);
  }

 private:
  const std::filesystem::path& folder_;
};

/// "float32[10,128]", with its rule.
std::string text_of(const CheckpointTensor& tensor) {
  const std::string rule = !tensor.rule ? ", not exchanged" : *tensor.rule == TensorRule::average ? ", averaged" : "";
  const auto number = [](std::int64_t size) { return std::to_string(size); };
  return std::string(name_of(tensor.type)) + '[' + joined(tensor.shape, ",", number) + ']' + rule;
}

std::string names_of(const CheckpointTensor& tensor) {
  return '"' + joined(tensor.names, "\" = \"") + '"';
}

void require_same_tensors(const Comparison& comparison, const Manifest& saved, const Manifest& mine) {
  const std::size_t count = std::max(saved.tensors.size(), mine.tensors.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = [&](const Manifest& manifest, bool with_names) -> std::string {
      if (i >= manifest.tensors.size()) return "none";
      const CheckpointTensor& tensor = manifest.tensors[i];
      return (with_names ? names_of(tensor) + ' ' : "") + text_of(tensor);
    };
    const bool is_named =
        i < saved.tensors.size() && i < mine.tensors.size() && saved.tensors[i].names == mine.tensors[i].names;
    const std::string what =
        is_named ? "tensor " + shown(names_of(mine.tensors[i])) : "tensor " + std::to_string(i + 1) + " of the model";
    comparison.require(ExitStatus::bad_data, what, text(saved, !is_named), text(mine, !is_named));
  }
}

std::string value_of(const Manifest::Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "nothing" : found->second;
}

std::set<std::string> keys_of(const Manifest::Settings& a, const Manifest::Settings& b) {
  std::set<std::string> keys;
  for (const auto& [key, value] : a) keys.insert(key);
  for (const auto& [key, value] : b) keys.insert(key);
  return keys;
}

}  // namespace

std::vector<std::string> require_same_run(const std::filesystem::path& folder, const Manifest& saved,
                                          const Manifest& mine) {
  const Comparison comparison(folder);
  require_same_tensors(comparison, saved, mine);
  comparison.require(ExitStatus::bad_data, "data", saved.data, mine.data);
  const auto states = [](const Manifest& manifest) {
    return manifest.optimizer + " (" + joined(manifest.states, ", ") + ')';
  };
  comparison.require(ExitStatus::bad_configuration, "optimizer", states(saved), states(mine));
  comparison.require(ExitStatus::bad_configuration, "seats", std::to_string(saved.seats), std::to_string(mine.seats));
  for (const std::string& key : keys_of(saved.fixed_settings, mine.fixed_settings)) {
    comparison.require(ExitStatus::bad_configuration, key, value_of(saved.fixed_settings, key),
                       value_of(mine.fixed_settings, key));
  }
  std::vector<std::string> differences;
  for (const std::string& key : keys_of(saved.free_settings, mine.free_settings)) {
    const std::string now = value_of(mine.free_settings, key), before = value_of(saved.free_settings, key);
    if (now != before) differences.push_back(key + ": " + shown(now) + ", was " + shown(before));
  }
  return differences;
}

}  // namespace runnel
