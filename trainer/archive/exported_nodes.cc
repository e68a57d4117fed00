// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/exported_nodes.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

using Kind = ExportedArgument::Kind;

/// What reading a node's arguments needs: names of values, and how to refuse.
class NodeReader {
 public:
  NodeReader(const std::filesystem::path& file, std::string place, ValueNames& values)
      : file_(file), place_(std::move(place)), values_(values) {}

  ExportedArgument argument(const std::string& name, const JsonView& json) const;
  ExportedResult result(const JsonView& json) const;

  [[noreturn]] void refuse(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, file_.string() + ": " + place_ + ": " + what);
  }

 private:
  ExportedArgument value(const JsonView& name) const { return {.kind = Kind::value, .value = values_.use(name)}; }

  /// {"as_name": …}, {"as_int": …}, {"as_float": …} or {"as_bool": …}.
  ExportedArgument symbol(const JsonView& json) const;

  template <class Read>
  ExportedArgument list(const JsonView& json, const Read& read) const {
    ExportedArgument argument{.kind = Kind::list};
    for (const JsonView& element : json.elements()) argument.items.push_back(read(element));
    return argument;
  }

  const std::filesystem::path& file_;
  std::string place_;
  ValueNames& values_;
};

ExportedArgument integer(const JsonView& json) {
  return {.kind = Kind::integer, .integer = json.integer()};
}
ExportedArgument number(const JsonView& json) {
  return {.kind = Kind::number, .number = json.number()};
}
ExportedArgument boolean(const JsonView& json) {
  return {.kind = Kind::boolean, .integer = json.boolean() ? 1 : 0};
}
ExportedArgument text(const JsonView& json) {
  return {.kind = Kind::text, .text = json.text()};
}

ExportedArgument numbered(Kind kind, const JsonView& json) {
  return {.kind = kind, .integer = json.integer()};
}

ExportedArgument element_type(const JsonView& json) {
  return {.kind = Kind::element_type, .integer = static_cast<std::int64_t>(read_element_type(json))};
}

ExportedArgument NodeReader::symbol(const JsonView& json) const {
  const auto [kind, held] = json.only_member();
  if (kind == "as_name") return value(held);
  if (kind == "as_int") return integer(held);
  if (kind == "as_float") return number(held);
  if (kind == "as_bool") return boolean(held);
  json.refuse("a name or a number");
}

ExportedArgument NodeReader::argument(const std::string& name, const JsonView& json) const {
  const auto tensor = [this](const JsonView& j) { return value(j.at("name")); };
  const auto optional_tensor = [&](const JsonView& j) {
    const auto [kind, held] = j.only_member();
    return kind == "as_tensor" ? tensor(held) : ExportedArgument{};
  };
  const auto symbols = [this](const JsonView& j) { return list(j, [this](const JsonView& s) { return symbol(s); }); };
  const auto one_symbol = [this](const JsonView& j) { return symbol(j); };
  const std::map<std::string, std::function<ExportedArgument(const JsonView&)>> readers = {
      {"as_none", [](const JsonView&) { return ExportedArgument{}; }},
      {"as_tensor", tensor},
      {"as_tensors", [&](const JsonView& j) { return list(j, tensor); }},
      {"as_optional_tensor", optional_tensor},
      {"as_optional_tensors", [&](const JsonView& j) { return list(j, optional_tensor); }},
      {"as_int", integer},
      {"as_ints", [&](const JsonView& j) { return list(j, integer); }},
      {"as_float", number},
      {"as_floats", [&](const JsonView& j) { return list(j, number); }},
      {"as_bool", boolean},
      {"as_bools", [&](const JsonView& j) { return list(j, boolean); }},
      {"as_string", text},
      {"as_strings", [&](const JsonView& j) { return list(j, text); }},
      {"as_sym_int", one_symbol},
      {"as_sym_float", one_symbol},
      {"as_sym_bool", one_symbol},
      {"as_sym_ints", symbols},
      {"as_sym_floats", symbols},
      {"as_sym_bools", symbols},
      {"as_scalar_type", element_type},
      {"as_memory_format", [](const JsonView& j) { return numbered(Kind::memory_format, j); }},
      {"as_layout", [](const JsonView& j) { return numbered(Kind::layout, j); }},
      {"as_device", [](const JsonView&) { return ExportedArgument{.kind = Kind::device}; }},
  };
  const auto [kind, held] = json.only_member();
  const auto reader = readers.find(kind);
  if (reader == readers.end()) {
    refuse("argument \"" + printable(name) + "\" is of kind " + printable(kind) +
           "; supported are tensors, numbers, texts, types, layouts, devices, and lists of them");
  }
  return reader->second(held);
}

ExportedResult NodeReader::result(const JsonView& json) const {
  const auto [kind, held] = json.only_member();
  if (kind == "as_tensor") return {.values = {values_.define(held.at("name"))}};
  if (kind == "as_none") return {};
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
    return {.values = {values_.define(held.at("as_name"))}};
  }
  if (kind == "as_tensors") {
    ExportedResult result{.is_list = true};
    for (const JsonView& element : held.elements()) result.values.push_back(values_.define(element.at("name")));
    return result;
  }
  refuse("has a result of kind " + printable(kind) + "; supported are tensors, lists of them, and numbers");
}

/// The node's name; files before schema 8.12 have none, but results are named alike.
std::string name_of_node(const JsonView& node) {
  if (const auto name = node.find("name")) return name->text();
  const auto outputs = node.at("outputs").elements();
  if (outputs.empty()) return "";
  const auto [kind, held] = outputs.front().only_member();
  if (kind == "as_tensor") return held.at("name").text();
  return kind.starts_with("as_sym") ? held.at("as_name").text() : "";
}

std::string place_of_node(const JsonView& node, const std::string& name) {
  const auto metadata = node.find("metadata");
  const auto trace = metadata ? metadata->find("stack_trace") : std::nullopt;
  const std::string line = trace ? source_line(trace->text()) : "";
  return "node \"" + printable(name) + "\"" + (line.empty() ? "" : " (" + printable(line, 100) + ")");
}

ExportedNode read_node(const JsonView& json, const std::filesystem::path& file, ValueNames& values) {
  ExportedNode node{.name = name_of_node(json), .target = json.at("target").text()};
  node.place = place_of_node(json, node.name);
  const NodeReader reader(file, node.place, values);
  if (node.target.starts_with("torch.ops.higher_order.")) {
    reader.refuse("the operation " + printable(node.target, 100) +
                  " holds a graph of its own (torch.no_grad, autocast, cond, checkpoint and the like); supported are "
                  "operations of aten");
  }
  for (const JsonView& input : json.at("inputs").elements()) {
    const std::string& name = input.at("name").text();
    node.arguments.push_back({name, reader.argument(name, input.at("arg"))});
  }
  for (const JsonView& output : json.at("outputs").elements()) node.results.push_back(reader.result(output));
  return node;
}

}  // namespace

ValueNumber ValueNames::define(const JsonView& name) {
  const auto [entry, is_new] = numbers_.emplace(name.text(), names_.size());
  if (!is_new) name.refuse("a new name, found \"" + printable(name.text()) + "\" for the second time");
  names_.push_back(name.text());
  return entry->second;
}

ValueNumber ValueNames::use(const JsonView& name) const {
  const auto found = numbers_.find(name.text());
  if (found == numbers_.end()) name.refuse("the name of an earlier value, found \"" + printable(name.text()) + "\"");
  return found->second;
}

std::vector<ExportedNode> read_nodes(const JsonView& list, const std::filesystem::path& file, ValueNames& values) {
  std::vector<ExportedNode> nodes;
  for (const JsonView& node : list.elements()) nodes.push_back(read_node(node, file, values));
  return nodes;
}

std::string source_line(const std::string& stack_trace) {
  constexpr std::string_view kFrame = "File \"";
  constexpr std::string_view kLine = "\", line ";
  std::string innermost, of_user;
  for (std::size_t frame = stack_trace.find(kFrame); frame != std::string::npos;
       frame = stack_trace.find(kFrame, frame)) {
    frame += kFrame.size();
    const std::size_t end = stack_trace.find(kLine, frame);
    if (end == std::string::npos) break;
    const std::string file = stack_trace.substr(frame, end - frame);
    const std::size_t number = end + kLine.size();
    const std::size_t digits =
        std::min(stack_trace.find_first_not_of("0123456789", number), stack_trace.size()) - number;
    innermost = file.substr(file.rfind('/') + 1) + ":" + stack_trace.substr(number, digits);
    const bool of_torch = file.find("site-packages/torch/") != std::string::npos || file.starts_with("torch/");
    if (!of_torch) of_user = innermost;
  }
  return of_user.empty() ? innermost : of_user;
}

}  // namespace runnel
