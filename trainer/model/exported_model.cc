// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_model.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/model/exported_rule.h"
#include "trainer/model/exported_states.h"
#include "trainer/torch/scalar_type.h"
#include "trainer/torch/tensor_text.h"

namespace runnel {
namespace {

bool is_limited_above(const ExportedSize& size) {
  return size.most != std::numeric_limits<std::int64_t>::max();
}

/// By itself; another size with the same symbol may forbid it.
bool allows(const ExportedSize& wanted, std::int64_t size) {
  return wanted.value.value_or(size) == size && size >= wanted.least && size <= wanted.most;
}

std::string shape_text(const std::vector<ExportedSize>& shape) {
  const auto text = [](const ExportedSize& size) {
    if (size.value) return std::to_string(*size.value);
    const std::string name = size.symbol.empty() ? std::string("*") : printable(size.symbol);
    const std::string least = size.least > 0 ? std::to_string(size.least) + " <= " : "";
    return least + name + (is_limited_above(size) ? " <= " + std::to_string(size.most) : "");
  };
  return "[" + joined(shape, ", ", text) + "]";
}

/// For messages: a buffer that other processes, and the file of weights, do not get.
std::string transient(const ExportedState& state) {
  return "the buffer \"" + printable(state.name, 200) +
         "\", which state_dict leaves out; register it without persistent=False";
}

bool shares_memory(const c10::IValue& value, const at::Tensor& tensor) {
  return value.isTensor() && value.toTensor().defined() && value.toTensor().storage().is_alias_of(tensor.storage());
}

/// Clears the values of a pass at its end, also when it throws: autograd keeps what a backward pass needs.
class ClearAtEnd {
 public:
  explicit ClearAtEnd(std::vector<c10::IValue>& values) : values_(values) {}
  ~ClearAtEnd() { std::ranges::fill(values_, c10::IValue()); }
  ClearAtEnd(const ClearAtEnd&) = delete;
  ClearAtEnd& operator=(const ClearAtEnd&) = delete;

 private:
  std::vector<c10::IValue>& values_;
};

}  // namespace

ExportedModel::ExportedModel(const std::filesystem::path& file, c10::Device device) : file_(file) {
  const ExportedProgram program = read_exported_program(file);
  plan_steps(program, device);
  load_states(program, device);
  inputs_ = program.inputs;
  outputs_ = program.outputs;
  if (outputs_.empty()) throw RunError(ExitStatus::bad_data, file_.string() + ": the program has no output");
  for (const auto& [buffer, value] : program.updates) {
    const ExportedState& state = program.states[buffer];
    if (!state.in_state_dict) throw RunError(ExitStatus::bad_data, file_.string() + ": writes to " + transient(state));
    updates_.push_back({{program.states[buffer].name, states_[buffer]}, value});
  }
  values_.resize(program.value_names.size());
}

void ExportedModel::load_states(const ExportedProgram& program, c10::Device device) {
  const auto tied = find_tied(program);
  for (std::size_t i = 0; i < program.states.size(); ++i) {
    const ExportedState& state = program.states[i];
    state_values_.push_back(state.value);
    is_buffer_.push_back(state.role == ExportedState::Role::buffer);
    transient_.push_back(is_buffer_.back() && !state.in_state_dict ? transient(state) : "");
    states_.push_back(tied[i] ? states_[*tied[i]] : load_tensor(state.tensor, device));
    const bool is_parameter = state.role == ExportedState::Role::parameter;
    if (is_parameter && state.tensor.requires_grad) require_float(state);
    if (is_parameter) states_.back().requires_grad_(state.tensor.requires_grad);
    if (state.in_state_dict) (is_buffer_.back() ? buffers_ : parameters_).push_back({state.name, states_.back()});
  }
}

/// Autograd itself refuses a gradient of other types only where they are not floating numbers.
void ExportedModel::require_float(const ExportedState& state) const {
  if (state.tensor.type == ElementType::float32) return;
  throw RunError(ExitStatus::bad_configuration, file_.string() + ": parameter \"" + printable(state.name, 200) +
                                                    "\" is " + std::string(name_of(state.tensor.type)) +
                                                    "; only float32 is trained");
}

void ExportedModel::plan_steps(const ExportedProgram& program, c10::Device device) {
  for (const ExportedNode& node : program.nodes) {
    if (only_asserts(node.target)) continue;
    steps_.push_back({.operation = ExportedOperation(node, program.file, device)});
  }
  std::vector<bool> is_kept(program.value_names.size());
  for (const ExportedValue& output : program.outputs) is_kept[output.value] = true;
  for (const BufferUpdate& update : program.updates) is_kept[update.value] = true;
  // Views of an input are recognized by its memory to the end of the pass.
  for (const ExportedValue& input : program.inputs) is_kept[input.value] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const ValueNumber value : step->operation.reads()) {
      if (!is_kept[value]) step->last_uses.push_back(value);
      is_kept[value] = true;
    }
  }
}

void ExportedModel::set_training(bool training) {
  if (training == training_) return;
  training_ = training;
  for (Step& step : steps_) {
    step.operation.set_training(training);
    step.target = Target::unknown;  // an operation that is off may pass its input on
  }
}

void ExportedModel::check_inputs(std::span<const InputShape> inputs) const {
  if (inputs.size() < inputs_.size()) {
    throw RunError(ExitStatus::bad_configuration, file_.string() + ": the program takes " +
                                                      std::to_string(inputs_.size()) + " tensors, the batch has " +
                                                      std::to_string(inputs.size()));
  }
  std::vector<std::pair<std::string_view, std::int64_t>> symbols;
  const auto fits = [&](const ExportedSize& wanted, std::int64_t size) {
    if (!allows(wanted, size)) return false;
    if (wanted.symbol.empty()) return true;
    const auto known = std::ranges::find(symbols, wanted.symbol, [](const auto& symbol) { return symbol.first; });
    if (known != symbols.end()) return known->second == size;
    symbols.emplace_back(wanted.symbol, size);
    return true;
  };
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const ExportedValue& wanted = inputs_[i];
    if (inputs[i].type != scalar_type_of(wanted.type) || inputs[i].shape.size() != wanted.shape.size()) {
      refuse_input(i, inputs[i]);
    }
    for (std::size_t j = 0; j < wanted.shape.size(); ++j) {
      if (!fits(wanted.shape[j], inputs[i].shape[j])) refuse_input(i, inputs[i]);
    }
  }
}

void ExportedModel::refuse_input(std::size_t index, const InputShape& found) const {
  const ExportedValue& wanted = inputs_[index];
  const bool by_batch = !wanted.shape.empty() && wanted.shape.size() == found.shape.size() &&
                        !allows(wanted.shape.front(), found.shape.front());
  const char* const remedy =
      by_batch ? "; passes of other sizes than trainer.batch_size are made, too: export a model that takes any batch, "
                 "with trainer/examples/export_model.py"
               : "";
  throw RunError(ExitStatus::bad_configuration, file_.string() + ": input " + std::to_string(index + 1) + " \"" +
                                                    printable(wanted.name) + "\": the program takes " +
                                                    std::string(name_of(wanted.type)) + " " + shape_text(wanted.shape) +
                                                    ", the batch has " + tensor_text(found.type, found.shape) + remedy);
}

std::vector<at::Tensor> ExportedModel::forward(const Batch& batch) {
  std::vector<InputShape> shapes;
  for (const at::Tensor& field : batch.fields) shapes.push_back({field.scalar_type(), field.sizes()});
  check_inputs(shapes);
  note_sizes(batch);
  const ClearAtEnd clear(values_);
  for (std::size_t i = 0; i < states_.size(); ++i) values_[state_values_[i]] = states_[i];
  for (std::size_t i = 0; i < inputs_.size(); ++i) values_[inputs_[i].value] = batch.fields[i];
  for (Step& step : steps_) run(step);
  std::vector<at::Tensor> outputs;
  for (const ExportedValue& output : outputs_) outputs.push_back(tensor_of(output.value, "the output", output.name));
  if (training_) update_buffers();
  return outputs;
}

/// What a write reaches may depend on sizes: whether a reshaped tensor is a view or a copy, for one.
void ExportedModel::note_sizes(const Batch& batch) {
  std::vector<std::int64_t> sizes;
  for (const at::Tensor& field : batch.fields) sizes.insert(sizes.end(), field.sizes().begin(), field.sizes().end());
  if (sizes == sizes_) return;
  sizes_ = std::move(sizes);
  for (Step& step : steps_) step.target = Target::unknown;
}

const at::Tensor& ExportedModel::tensor_of(ValueNumber value, const char* what, const std::string& name) const {
  if (values_[value].isTensor() && values_[value].toTensor().defined()) return values_[value].toTensor();
  const std::string found = values_[value].isTensor() ? "none" : values_[value].tagKind();
  throw RunError(ExitStatus::bad_data,
                 file_.string() + ": " + what + " \"" + printable(name, 200) + "\": expected a tensor, found " + found);
}

void ExportedModel::update_buffers() {
  const at::NoGradGuard no_grad;
  for (const auto& [buffer, number] : updates_) {
    const at::Tensor& value = tensor_of(number, "the new value of the buffer", buffer.name);
    if (value.scalar_type() != buffer.tensor.scalar_type() || value.sizes() != buffer.tensor.sizes()) {
      throw RunError(ExitStatus::bad_data, file_.string() + ": the new value of the buffer \"" +
                                               printable(buffer.name, 200) + "\": expected " +
                                               tensor_text(buffer.tensor.scalar_type(), buffer.tensor.sizes()) +
                                               ", found " + tensor_text(value.scalar_type(), value.sizes()));
    }
    buffer.tensor.copy_(value);
  }
}

void ExportedModel::run(Step& step) {
  if (step.target == Target::unknown) step.target = target_of(step);
  if (step.target == Target::buffer && !training_) {
    step.operation.run_without_writes(values_);
  } else {
    step.operation.run(values_);
  }
  for (const ValueNumber value : step.last_uses) values_[value] = {};
}

ExportedModel::Target ExportedModel::target_of(const Step& step) const {
  Target target = Target::temporary;
  for (const ValueNumber written : step.operation.written()) {
    if (target_of(step, values_[written]) == Target::buffer) target = Target::buffer;
  }
  return target;
}

ExportedModel::Target ExportedModel::target_of(const Step& step, const c10::IValue& written) const {
  const auto refuse = [&](const std::string& what, const char* remedy = "; supported are buffers and results") {
    throw RunError(ExitStatus::bad_data, step.operation.place() + ": writes to " + what + remedy);
  };
  for (const ExportedValue& input : inputs_) {
    const c10::IValue& value = values_[input.value];
    if (value.isTensor() && shares_memory(written, value.toTensor()))
      refuse("the input \"" + printable(input.name) + "\"");
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!shares_memory(written, states_[i])) continue;
    if (!is_buffer_[i]) refuse("a parameter or constant");
    if (training_ && !transient_[i].empty()) refuse(transient_[i], "");
    return Target::buffer;
  }
  return Target::temporary;
}

}  // namespace runnel
