// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/model_summary.h"

#include "runtime/base/joined.h"
#include "trainer/archive/exported_program.h"
#include "trainer/inspect/suggestion.h"

namespace runnel {
namespace {

std::vector<TensorSummary> describe(const std::vector<ExportedValue>& tensors, const std::string& batch) {
  const auto size_text = [&](const ExportedSize& size) {
    if (size.value) return std::to_string(*size.value);
    if (size.symbol.empty()) return std::string("?");
    return size.symbol == batch ? "batch" : size.symbol;
  };
  std::vector<TensorSummary> described;
  for (const ExportedValue& tensor : tensors) {
    described.push_back({tensor.name, tensor.type, "[" + joined(tensor.shape, ", ", size_text) + "]"});
  }
  return described;
}

}  // namespace

FileSummary inspect_exported_model(const std::filesystem::path& path) {
  const ExportedProgram program = read_exported_program(path);
  FileSummary summary{.path = path, .format = "model of torch.export (pt2)"};
  for (const ExportedState& state : program.states) {
    if (!state.in_state_dict) continue;
    summary.arrays.push_back({.name = state.name, .type = state.tensor.type, .shape = state.tensor.sizes});
  }
  const bool has_size = !program.inputs.empty() && !program.inputs.front().shape.empty();
  const std::string batch = has_size ? program.inputs.front().shape.front().symbol : "";
  summary.inputs = describe(program.inputs, batch);
  summary.outputs = describe(program.outputs, batch);
  summary.configuration = suggest_model("export", "file", path);
  return summary;
}

FileSummary inspect_torch_script(const std::filesystem::path& path) {
  FileSummary summary{.path = path, .format = "TorchScript model (pt)"};
  summary.notes = {"a program, which inspect does not run; use none from a stranger"};
  summary.configuration = suggest_model("torchscript", "file", path);
  return summary;
}

}  // namespace runnel
