// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnel {

/// A value in a JSON text that came from elsewhere, with its place: "net.pt2: models/model.json: nodes[3].target".
///
/// Every read checks the kind of the value, and throws `RunError` (bad_data) with the place. Views of one text share it
/// and keep it alive. Any thread.
class JsonView {
 public:
  /// Parses `text`, an object. `place` begins every message. Refused before parsing: texts that nest deeper than
  /// `most_depth`, or hold more than `most_values`; a value takes about 100 bytes of memory.
  static JsonView parse(std::string_view text, const std::string& place, std::size_t most_depth,
                        std::size_t most_values);

  /// The member `key` of an object, which must be there.
  JsonView at(const std::string& key) const;

  /// The member `key` of an object; empty where there is none, or null.
  std::optional<JsonView> find(const std::string& key) const;

  /// The elements of an array.
  std::vector<JsonView> elements() const;

  /// The members of an object, by name.
  std::vector<std::pair<std::string, JsonView>> members() const;

  /// The name and value of an object that has one member: how a tagged union is written.
  std::pair<std::string, JsonView> only_member() const;

  std::int64_t integer() const;
  bool boolean() const;
  const std::string& text() const;

  /// An integer or floating number; also the texts "Infinity", "-Infinity" and "NaN", which JSON has no numbers for.
  double number() const;

  /// Throws, as the reads do: "PLACE: expected WHAT".
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  struct Document;

  JsonView(std::shared_ptr<const Document> document, const void* value, std::string place)
      : document_(std::move(document)), value_(value), place_(std::move(place)) {}

  std::shared_ptr<const Document> document_;
  const void* value_;  // nlohmann::json, which headers do not pass on
  std::string place_;
};

}  // namespace runnel
