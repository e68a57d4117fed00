// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/exported_program.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/archive/archive_kind.h"
#include "trainer/archive/exported_nodes.h"

namespace runnel {
namespace {

constexpr std::string_view kModel = "models/model.json";
constexpr const char* kExporter = "; export the model with trainer/examples/export_model.py";

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw RunError(ExitStatus::bad_data, file.string() + ": " + what);
}

/// The folder that holds everything in the archive, with its slash; empty when there is none.
std::string top_folder(const ZipArchive& archive) {
  const std::string inner = "/" + std::string(kModel);
  for (const ZipMember& member : archive.members()) {
    if (member.name == kModel) return "";
    const std::size_t top = member.name.size() - std::min(inner.size(), member.name.size());
    if (member.name.ends_with(inner) && member.name.find('/') == top) return member.name.substr(0, top + 1);
  }
  const auto misplaced =
      std::ranges::find_if(archive.members(), [](const ZipMember& member) { return member.name.ends_with(kModel); });
  refuse(archive.path(),
         "expected an archive of torch.export, which has " + std::string(kModel) + " in its one top folder; found " +
             (misplaced == archive.members().end() ? describe(kind_of(archive))
                                                   : "that file as \"" + printable(misplaced->name, 200) + '"'));
}

void check_version(const JsonView& model, const std::filesystem::path& file) {
  constexpr std::int64_t kMajor = 8;
  const std::int64_t major = model.at("schema_version").at("major").integer();
  if (major == kMajor) return;
  const auto torch = model.find("torch_version");
  refuse(file, "is of major version " + std::to_string(major) + " of torch.export's schema, written by torch " +
                   (torch ? printable(torch->text()) : "?") + "; supported is version " + std::to_string(kMajor) +
                   ", which torch 2.7 and newer write");
}

/// Decompositions compute what no_grad covers with a gradient, and dropout by operations that no switch turns off.
void check_dialect(const JsonView& model, const std::filesystem::path& file) {
  const auto dialects = model.find("verifiers");
  if (!dialects) return;
  for (const JsonView& dialect : dialects->elements()) {
    if (dialect.text() == "TRAINING") continue;
    refuse(file, "is a program of the dialect " + printable(dialect.text()) +
                     ", as after run_decompositions, which cannot be trained as the module; supported is TRAINING" +
                     kExporter);
  }
}

void check_byte_order(const ZipArchive& archive, const std::string& top) {
  const ZipMember* member = archive.find(top + "byteorder");
  if (member == nullptr) return;
  constexpr std::uint64_t kMaxBytes = 16;
  if (archive.read(*member, kMaxBytes).text() != "little") refuse(archive.path(), "expected little-endian weights");
}

/// The symbol that an expression of SymPy consists of; empty for a longer expression.
std::string symbol_of(const std::string& expression) {
  constexpr std::string_view kBegin = "Symbol('";
  if (!expression.starts_with(kBegin)) return "";
  const std::size_t end = expression.find('\'', kBegin.size());
  const bool single = end != std::string::npos && expression.find('(', end) == std::string::npos;
  return single ? expression.substr(kBegin.size(), end - kBegin.size()) : "";
}

/// Reads the tensors that the caller gives and those that come with the program.
class SignatureReader {
 public:
  SignatureReader(const JsonView& model, ExportedTensors& weights, ExportedTensors& constants, ValueNames& values)
      : shapes_(model.at("graph_module").at("graph").at("tensor_values")),
        ranges_(model.find("range_constraints")),
        weights_(weights),
        constants_(constants),
        values_(values) {}

  void read_input(const JsonView& spec, ExportedProgram& program) {
    const auto [kind, held] = spec.only_member();
    if (kind == "user_input") return program.inputs.push_back(user_input(held.at("arg")));
    if (kind == "parameter") return program.states.push_back(state(held, ExportedState::Role::parameter));
    if (kind == "buffer") return program.states.push_back(state(held, ExportedState::Role::buffer));
    if (kind == "tensor_constant") return program.states.push_back(state(held, ExportedState::Role::constant));
    if (kind == "constant_input") return;  // the graph holds its value
    spec.refuse("tensors as inputs, parameters and buffers; found " + printable(kind));
  }

  void read_output(const JsonView& spec, ExportedProgram& program) {
    const auto [kind, held] = spec.only_member();
    if (kind == "user_output") {
      const auto [type, value] = held.at("arg").only_member();
      if (type == "as_none") return;
      if (type != "as_tensor") spec.refuse("tensors as outputs; found " + printable(type));
      return program.outputs.push_back(described(value.at("name"), values_.use(value.at("name"))));
    }
    if (kind == "loss_output") {
      const JsonView name = held.at("arg").at("name");
      return program.outputs.push_back(described(name, values_.use(name)));
    }
    if (kind != "buffer_mutation") spec.refuse("a model that writes to its buffers alone; found " + printable(kind));
    const JsonView name = held.at("buffer_name");
    const auto found = std::ranges::find_if(program.states, [&](const ExportedState& state) {
      return state.role == ExportedState::Role::buffer && state.name == name.text();
    });
    if (found == program.states.end()) name.refuse("the name of a buffer");
    program.updates.push_back({.buffer = static_cast<std::size_t>(found - program.states.begin()),
                               .value = values_.use(held.at("arg").at("name"))});
  }

 private:
  ExportedValue user_input(const JsonView& argument) {
    const auto [kind, held] = argument.only_member();
    if (kind != "as_tensor") argument.refuse("a tensor as input of the model; found " + printable(kind));
    const JsonView name = held.at("name");
    return described(name, values_.define(name));
  }

  /// The tensor called `name`, with its type and shape.
  ExportedValue described(const JsonView& name, ValueNumber number) {
    const JsonView meta = shapes_.at(name.text());
    ExportedValue tensor{.name = name.text(), .value = number, .type = read_element_type(meta.at("dtype"))};
    for (const JsonView& size : meta.at("sizes").elements()) {
      const auto [type, value] = size.only_member();
      if (type == "as_int") {
        tensor.shape.push_back({.value = value.integer()});
      } else {
        tensor.shape.push_back(free_size(symbol_of(value.at("expr_str").text())));
      }
    }
    return tensor;
  }

  ExportedSize free_size(const std::string& symbol) const {
    constexpr std::int64_t kUsual = 2;  // which torch.export writes for every size that it leaves free
    ExportedSize size{.symbol = symbol};
    const auto range = ranges_ && !symbol.empty() ? ranges_->find(symbol) : std::nullopt;
    if (!range) return size;
    if (const auto least = range->find("min_val"); least && least->integer() > kUsual) size.least = least->integer();
    if (const auto most = range->find("max_val")) size.most = most->integer();
    return size;
  }

  ExportedState state(const JsonView& spec, ExportedState::Role role) {
    constexpr const char* kNames[] = {"parameter_name", "buffer_name", "tensor_constant_name"};
    ExportedState state{.role = role, .name = spec.at(kNames[static_cast<std::size_t>(role)]).text()};
    state.value = values_.define(spec.at("arg").at("name"));
    state.in_state_dict = role == ExportedState::Role::parameter ||
                          (role == ExportedState::Role::buffer && spec.at("persistent").boolean());
    state.tensor = (state.in_state_dict ? weights_ : constants_).tensor(state.name);
    return state;
  }

  JsonView shapes_;
  std::optional<JsonView> ranges_;  // of free sizes, by symbol
  ExportedTensors& weights_;
  ExportedTensors& constants_;
  ValueNames& values_;
};

}  // namespace

ExportedProgram read_exported_program(const std::filesystem::path& file) {
  const auto archive = std::make_shared<const ZipArchive>(file);
  const std::string top = top_folder(*archive);
  const JsonView model = read_json(*archive, top + std::string(kModel));
  check_version(model, file);
  check_dialect(model, file);
  check_byte_order(*archive, top);
  const std::string weights_config = top + "data/weights/model_weights_config.json";
  if (archive->find(weights_config) == nullptr) {
    refuse(file,
           "expected weights in raw bytes, found pickled ones, which only Python can read" + std::string(kExporter));
  }
  ExportedTensors weights(*archive, weights_config);
  ExportedTensors constants(*archive, top + "data/constants/model_constants_config.json");
  ExportedProgram program{.file = file, .archive = archive};
  ValueNames values;
  const JsonView graph = model.at("graph_module").at("graph");
  const JsonView signature = model.at("graph_module").at("signature");
  SignatureReader reader(model, weights, constants, values);
  for (const JsonView& spec : signature.at("input_specs").elements()) reader.read_input(spec, program);
  program.nodes = read_nodes(graph.at("nodes"), file, values);
  for (const JsonView& spec : signature.at("output_specs").elements()) reader.read_output(spec, program);
  program.value_names = values.names();
  return program;
}

}  // namespace runnel
