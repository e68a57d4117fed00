// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/exported_nodes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
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
  /// What is no list, by its kind.
  ExportedArgument plain(Kind kind, const JsonView& json) const;

  /// {"as_tensor": …} or {"as_none": …}.
  ExportedArgument optional_tensor(const JsonView& json) const;

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

ExportedArgument NodeReader::plain(Kind kind, const JsonView& json) const {
  switch (kind) {
    case Kind::value:
      return value(json.at("name"));
    case Kind::boolean:
      return {.kind = kind, .integer = json.boolean() ? 1 : 0};
    case Kind::number:
      return {.kind = kind, .number = json.number()};
    case Kind::text:
      return {.kind = kind, .text = json.text()};
    case Kind::element_type:
      return {.kind = kind, .integer = static_cast<std::int64_t>(read_element_type(json))};
    case Kind::integer:
    case Kind::memory_format:
    case Kind::layout:
      return {.kind = kind, .integer = json.integer()};
    default:
      return {.kind = kind};  // none, and a device, which is the trainer's choice
  }
}

ExportedArgument NodeReader::optional_tensor(const JsonView& json) const {
  const auto [kind, held] = json.only_member();
  return kind == "as_tensor" ? plain(Kind::value, held) : ExportedArgument{};
}

ExportedArgument NodeReader::symbol(const JsonView& json) const {
  const auto [kind, held] = json.only_member();
  if (kind == "as_name") return value(held);
  if (kind == "as_int") return plain(Kind::integer, held);
  if (kind == "as_float") return plain(Kind::number, held);
  if (kind == "as_bool") return plain(Kind::boolean, held);
  json.refuse("a name or a number");
}

/// The kind of argument, or of a list's elements, that a member of the schema's union has.
std::optional<Kind> plain_kind(std::string_view name) {
  constexpr std::array kKinds = {
      std::pair("as_none", Kind::none),     std::pair("as_tensor", Kind::value),
      std::pair("as_int", Kind::integer),   std::pair("as_float", Kind::number),
      std::pair("as_bool", Kind::boolean),  std::pair("as_string", Kind::text),
      std::pair("as_device", Kind::device), std::pair("as_scalar_type", Kind::element_type),
      std::pair("as_layout", Kind::layout), std::pair("as_memory_format", Kind::memory_format),
  };
  const auto found = std::ranges::find(kKinds, name, [](const auto& entry) { return std::string_view(entry.first); });
  return found == kKinds.end() ? std::nullopt : std::optional(found->second);
}

ExportedArgument NodeReader::argument(const std::string& name, const JsonView& json) const {
  const auto [kind, held] = json.only_member();
  if (const auto single = plain_kind(kind)) return plain(*single, held);
  if (kind == "as_optional_tensor") return optional_tensor(held);
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") return symbol(held);
  if (kind == "as_optional_tensors") return list(held, [this](const JsonView& j) { return optional_tensor(j); });
  if (kind == "as_sym_ints" || kind == "as_sym_floats" || kind == "as_sym_bools") {
    return list(held, [this](const JsonView& j) { return symbol(j); });
  }
  constexpr std::array kLists = {"as_tensors", "as_ints", "as_floats", "as_bools", "as_strings"};
  if (std::ranges::find(kLists, kind) != kLists.end()) {
    const Kind element = *plain_kind(std::string_view(kind).substr(0, kind.size() - 1));
    return list(held, [&](const JsonView& j) { return plain(element, j); });
  }
  refuse("argument \"" + printable(name) + "\" is of kind " + printable(kind) +
         "; supported are tensors, numbers, texts, types, layouts, devices, and lists of them");
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
    const std::string name = input.at("name").text();
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
