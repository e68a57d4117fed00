// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/json_view.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/base/json_extent.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

using Json = nlohmann::json;

const Json& json(const void* value) {
  return *static_cast<const Json*>(value);
}

/// Refuses objects that have a name twice: which of the two counts is the parser's choice.
class UniqueNames {
 public:
  bool operator()(int /*depth*/, Json::parse_event_t event, const Json& value) {
    if (event == Json::parse_event_t::object_start) names_.emplace_back();
    if (event == Json::parse_event_t::object_end) names_.pop_back();
    if (event == Json::parse_event_t::key) doubled_ |= !names_.back().insert(value.get<std::string>()).second;
    return true;
  }

  bool doubled() const { return doubled_; }

 private:
  std::vector<std::set<std::string>> names_;
  bool doubled_ = false;
};

}  // namespace

struct JsonView::Document {
  Json root;
  std::string place;
};

JsonView JsonView::parse(std::string_view text, const std::string& place, std::size_t most_depth,
                         std::size_t most_values) {
  const auto document = std::make_shared<Document>();
  document->place = place;
  const JsonView view(document, &document->root, "");
  const JsonExtent extent = json_extent(text);
  if (extent.depth > most_depth || extent.values > most_values) {
    view.refuse("JSON of at most " + std::to_string(most_values) + " values, " + std::to_string(most_depth) +
                " within each other; found " + std::to_string(extent.values) + " and " + std::to_string(extent.depth));
  }
  UniqueNames names;
  document->root = Json::parse(text, std::ref(names), /*allow_exceptions=*/false);
  if (document->root.is_discarded() || !document->root.is_object()) view.refuse("a JSON object, found damaged text");
  if (names.doubled()) view.refuse("JSON whose objects have each name once");
  return view;
}

JsonView JsonView::at(const std::string& key) const {
  const auto found = find(key);
  if (!found) refuse("a member \"" + key + "\"");
  return *found;
}

std::optional<JsonView> JsonView::find(const std::string& key) const {
  if (!json(value_).is_object()) refuse("an object");
  const auto found = json(value_).find(key);
  if (found == json(value_).end() || found->is_null()) return std::nullopt;
  return JsonView(document_, &*found, place_.empty() ? key : place_ + "." + key);
}

std::vector<JsonView> JsonView::elements() const {
  if (!json(value_).is_array()) refuse("an array");
  std::vector<JsonView> elements;
  elements.reserve(json(value_).size());
  for (const Json& element : json(value_)) {
    elements.push_back(JsonView(document_, &element, place_ + "[" + std::to_string(elements.size()) + "]"));
  }
  return elements;
}

std::vector<std::pair<std::string, JsonView>> JsonView::members() const {
  if (!json(value_).is_object()) refuse("an object");
  std::vector<std::pair<std::string, JsonView>> members;
  for (const auto& [name, value] : json(value_).items()) {
    members.emplace_back(name, JsonView(document_, &value, place_ + "." + name));
  }
  return members;
}

std::pair<std::string, JsonView> JsonView::only_member() const {
  if (!json(value_).is_object() || json(value_).size() != 1) refuse("an object with one member");
  return members().front();
}

std::int64_t JsonView::integer() const {
  const Json& value = json(value_);
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() ||
       value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) refuse("an integer");
  return value.get<std::int64_t>();
}

bool JsonView::boolean() const {
  if (!json(value_).is_boolean()) refuse("true or false");
  return json(value_).get<bool>();
}

const std::string& JsonView::text() const {
  if (!json(value_).is_string()) refuse("a text");
  return json(value_).get_ref<const std::string&>();
}

double JsonView::number() const {
  const Json& value = json(value_);
  if (value.is_number()) return value.get<double>();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  refuse("a number");
}

void JsonView::refuse(const std::string& expected) const {
  const std::string inner = place_.empty() ? "" : ": " + printable(place_, 200);
  throw RunError(ExitStatus::bad_data, document_->place + inner + ": expected " + printable(expected, 400));
}

}  // namespace runnel
