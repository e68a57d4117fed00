// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_model.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/model/exported_rule.h"
#include "trainer/model/exported_states.h"

namespace runnel {
namespace {

/// PyTorch's name of a type: "float32".
std::string type_text(at::ScalarType type) {
  constexpr std::array kTypes = {ElementType::uint8,   ElementType::int8,    ElementType::int16,   ElementType::int32,
                                 ElementType::int64,   ElementType::float16, ElementType::float32, ElementType::float64,
                                 ElementType::boolean, ElementType::bfloat16};
  for (const ElementType known : kTypes) {
    if (scalar_type_of(known) == type) return std::string(name_of(known));
  }
  return c10::toString(type);
}

std::string shape_text(const std::vector<ExportedSize>& shape) {
  const auto text = [](const ExportedSize& size) {
    if (size.value) return std::to_string(*size.value);
    return size.symbol.empty() ? std::string("*") : printable(size.symbol);
  };
  return "[" + joined(shape, ", ", text) + "]";
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
  updates_ = program.updates;
  outputs_ = program.outputs;
  values_.resize(program.value_names.size());
}

void ExportedModel::load_states(const ExportedProgram& program, c10::Device device) {
  const auto tied = find_tied(program);
  for (std::size_t i = 0; i < program.states.size(); ++i) {
    const ExportedState& state = program.states[i];
    const bool trained = state.role == ExportedState::Role::parameter && state.tensor.requires_grad;
    if (trained && state.tensor.type != ElementType::float32) {
      throw RunError(ExitStatus::bad_configuration, file_.string() + ": parameter \"" + printable(state.name, 200) +
                                                        "\" is " + std::string(name_of(state.tensor.type)) +
                                                        "; only float32 is trained");
    }
    state_values_.push_back(state.value);
    is_buffer_.push_back(state.role == ExportedState::Role::buffer);
    if (tied[i]) {
      states_.push_back(states_[*tied[i]]);
      if (state.in_state_dict) aliases_.emplace_back(state.name, program.states[*tied[i]].name);
      continue;
    }
    states_.push_back(load_tensor(state.tensor, device).requires_grad_(trained));
    if (!state.in_state_dict) continue;
    auto& group = trained ? parameters_ : is_buffer_.back() ? buffers_ : frozen_;
    group.push_back({state.name, states_.back()});
  }
  if (parameters_.empty()) {
    throw RunError(ExitStatus::bad_configuration, file_.string() + ": has no parameter that is trained");
  }
}

void ExportedModel::plan_steps(const ExportedProgram& program, c10::Device device) {
  for (const ExportedNode& node : program.nodes) {
    if (only_asserts(node.target)) continue;
    steps_.push_back({.operation = ExportedOperation(node, program.file, device)});
    steps_.back().written = steps_.back().operation.written();
  }
  std::vector<bool> is_kept(program.value_names.size());
  for (const ValueNumber value : program.outputs) is_kept[value] = true;
  for (const BufferUpdate& update : program.updates) is_kept[update.value] = true;
  // Views of an input are recognized by its memory to the end of the pass.
  for (const ExportedInput& input : program.inputs) is_kept[input.value] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const ValueNumber value : step->operation.reads()) {
      if (!is_kept[value]) step->last_uses.push_back(value);
      is_kept[value] = true;
    }
  }
}

void ExportedModel::set_training(bool training) {
  training_ = training;
  for (Step& step : steps_) {
    step.operation.set_training(training);
    step.target = Target::unknown;  // an operation that is off may pass its input on
  }
}

void ExportedModel::check_inputs(std::span<const InputShape> inputs) const {
  if (inputs.size() != inputs_.size()) {
    throw RunError(ExitStatus::bad_configuration, file_.string() + ": the program takes " +
                                                      std::to_string(inputs_.size()) + " tensors, " +
                                                      std::to_string(inputs.size()) + " came");
  }
  std::vector<std::pair<std::string_view, std::int64_t>> symbols;
  const auto fits = [&](const ExportedSize& wanted, std::int64_t size) {
    if (wanted.value) return size == *wanted.value;
    if (wanted.symbol.empty()) return true;
    const auto known = std::ranges::find(symbols, wanted.symbol, [](const auto& symbol) { return symbol.first; });
    if (known != symbols.end()) return known->second == size;
    symbols.emplace_back(wanted.symbol, size);
    return true;
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ExportedInput& wanted = inputs_[i];
    if (inputs[i].type != scalar_type_of(wanted.type) || inputs[i].shape.size() != wanted.shape.size()) {
      refuse_input(i, inputs[i]);
    }
    for (std::size_t j = 0; j < wanted.shape.size(); ++j) {
      if (!fits(wanted.shape[j], inputs[i].shape[j])) refuse_input(i, inputs[i]);
    }
  }
}

void ExportedModel::refuse_input(std::size_t index, const InputShape& found) const {
  const ExportedInput& wanted = inputs_[index];
  throw RunError(ExitStatus::bad_configuration,
                 file_.string() + ": input " + std::to_string(index + 1) + " \"" + printable(wanted.name) +
                     "\": the program takes " + std::string(name_of(wanted.type)) + " " + shape_text(wanted.shape) +
                     ", the batch has " + type_text(found.type) + " [" +
                     joined(found.shape, ", ", [](std::int64_t size) { return std::to_string(size); }) + "]");
}

std::vector<at::Tensor> ExportedModel::forward(std::span<const at::Tensor> inputs) {
  std::vector<InputShape> shapes;
  for (const at::Tensor& input : inputs) shapes.push_back({input.scalar_type(), input.sizes()});
  check_inputs(shapes);
  const ClearAtEnd clear(values_);
  for (std::size_t i = 0; i < states_.size(); ++i) values_[state_values_[i]] = states_[i];
  for (std::size_t i = 0; i < inputs.size(); ++i) values_[inputs_[i].value] = inputs[i];
  for (Step& step : steps_) run(step);
  std::vector<at::Tensor> outputs;
  for (const ValueNumber output : outputs_) outputs.push_back(values_[output].toTensor());
  if (training_) {
    const at::NoGradGuard no_grad;
    for (const BufferUpdate& update : updates_) states_[update.buffer].copy_(values_[update.value].toTensor());
  }
  return outputs;
}

void ExportedModel::run(Step& step) {
  if (step.written && step.target == Target::unknown) step.target = target_of(step);
  if (step.target == Target::buffer && !training_) {
    step.operation.skip(values_);
  } else {
    step.operation.run(values_);
  }
  for (const ValueNumber value : step.last_uses) values_[value] = {};
}

ExportedModel::Target ExportedModel::target_of(const Step& step) const {
  const c10::IValue& written = values_[*step.written];
  const auto refuse = [&](const std::string& what) {
    throw RunError(ExitStatus::bad_data,
                   step.operation.place() + ": writes to " + what + "; supported are buffers and results");
  };
  for (const ExportedInput& input : inputs_) {
    const c10::IValue& value = values_[input.value];
    if (value.isTensor() && shares_memory(written, value.toTensor()))
      refuse("the input \"" + printable(input.name) + "\"");
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!shares_memory(written, states_[i])) continue;
    if (!is_buffer_[i]) refuse("a parameter or constant");
    return Target::buffer;
  }
  return Target::temporary;
}

}  // namespace runnel
