// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_operation.h"

#include <algorithm>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/model/exported_rule.h"
#include "trainer/torch/scalar_type.h"
#include "trainer/torch/tensor_text.h"
#include "trainer/torch/torch_error.h"

namespace runnel {
namespace {

using Given = ExportedArgument::Kind;
using c10::TypeKind;

/// `type` without "optional".
c10::TypePtr required(const c10::TypePtr& type) {
  return type->kind() == TypeKind::OptionalType ? required(type->containedType(0)) : type;
}

}  // namespace

ExportedOperation::ExportedOperation(const ExportedNode& node, const std::filesystem::path& file, c10::Device device)
    : place_(file.string() + ": " + node.place), function_(size_function(node.target)), results_(node.results) {
  if (function_ == nullptr) operation_ = permitted_operation(node.target, place_);
  try {
    plan_arguments(node, device);
  } catch (const c10::Error& error) {
    refuse("does not fit its operation: " + line_of(error));
  }
  find_switches();
  find_written();
}

void ExportedOperation::plan_arguments(const ExportedNode& node, c10::Device device) {
  // Autograd or a kernel would find out later, with the node no longer at hand.
  if (results_.size() > (operation_ ? operation_->schema().returns().size() : 1)) {
    refuse("has more results than its operation");
  }
  if (!operation_) {
    for (const NamedArgument& given : node.arguments) {
      arguments_.push_back(planned(c10::NumberType::get(), given.argument, device));
      arguments_.back().type = nullptr;
    }
    return;
  }
  const auto& parameters = operation_->schema().arguments();
  for (const NamedArgument& given : node.arguments) {
    const bool known = std::ranges::any_of(parameters, [&](const auto& p) { return p.name() == given.name; });
    if (!known) refuse("gives an argument \"" + printable(given.name) + "\", which this LibTorch's operation lacks");
  }
  for (const c10::Argument& parameter : parameters) {
    const auto given = std::ranges::find(node.arguments, parameter.name(), &NamedArgument::name);
    plan_argument(parameter, given == node.arguments.end() ? nullptr : &given->argument, device);
  }
}

void ExportedOperation::plan_argument(const c10::Argument& parameter, const ExportedArgument* given,
                                      c10::Device device) {
  if (given != nullptr) {
    arguments_.push_back(planned(parameter.type(), *given, device));
  } else if (parameter.default_value()) {
    arguments_.push_back({.constant = *parameter.default_value()});
  } else {
    refuse("lacks the argument \"" + parameter.name() + "\"");
  }
  const OperationArgument& argument = arguments_.back();
  if (argument.kind != OperationArgument::Kind::constant) return;
  const bool fits = argument.constant.isNone() ? parameter.type()->kind() == TypeKind::OptionalType
                                               : argument.constant.type()->isSubtypeOf(*parameter.type()) ||
                                                     required(parameter.type())->kind() == TypeKind::NumberType;
  if (!fits && given != nullptr) {
    refuse("argument \"" + parameter.name() + "\": expected " + parameter.type()->str() + ", found " +
           argument.constant.tagKind());
  }
}

OperationArgument ExportedOperation::planned(const c10::TypePtr& wanted, const ExportedArgument& given,
                                             c10::Device device) {
  const c10::TypePtr type = required(wanted);
  if (given.kind == Given::list) return planned_list(type, given, device);
  if (given.kind == Given::value) {
    reads_.push_back(given.value);
    return {.kind = OperationArgument::Kind::value, .value = given.value, .type = type};
  }
  return {.constant = fitted(constant_of(given, device), *type)};
}

c10::IValue ExportedOperation::constant_of(const ExportedArgument& given, c10::Device device) const {
  const auto known = [&](std::int64_t number) {
    if (number < 0) refuse("asks for a layout or a memory format that is not supported; tensors are dense");
    return number;
  };
  switch (given.kind) {
    case Given::boolean:
      return given.integer != 0;
    case Given::integer:
      return given.integer;
    case Given::number:
      return given.number;
    case Given::text:
      return given.text;
    case Given::element_type:
      return static_cast<std::int64_t>(scalar_type_of(static_cast<ElementType>(given.integer)));
    case Given::memory_format:
      return known(memory_format_of(given.integer));
    case Given::layout:
      return known(tensor_layout_of(given.integer));
    case Given::device:
      return device;
    default:
      return {};
  }
}

OperationArgument ExportedOperation::planned_list(const c10::TypePtr& type, const ExportedArgument& given,
                                                  c10::Device device) {
  TORCH_CHECK(type->kind() == TypeKind::ListType, "a list is given for ", type->str());
  OperationArgument list{.kind = OperationArgument::Kind::list, .type = type->containedType(0)};
  for (const ExportedArgument& item : given.items) list.items.push_back(planned(list.type, item, device));
  const bool is_constant =
      std::ranges::all_of(list.items, [](const auto& item) { return item.kind == OperationArgument::Kind::constant; });
  return is_constant ? OperationArgument{.constant = value_of(list, {})} : list;
}

void ExportedOperation::find_switches() {
  if (!operation_) return;
  const auto& parameters = operation_->schema().arguments();
  const auto is_none = [&](std::string_view name) {
    const auto found = std::ranges::find(parameters, name, [](const auto& p) { return std::string_view(p.name()); });
    if (found == parameters.end()) return false;
    const OperationArgument& argument = arguments_[static_cast<std::size_t>(found - parameters.begin())];
    return argument.kind == OperationArgument::Kind::constant && argument.constant.isNone();
  };
  const std::string& operation = operation_->schema().name();
  if (operation == "aten::batch_norm" || operation == "aten::native_batch_norm") {
    const auto found = std::ranges::find(parameters, "training", &c10::Argument::name);
    batch_statistics_ = static_cast<std::size_t>(found - parameters.begin());
  }
  // A normalization without statistics takes the batch's, also in evaluation.
  if (is_none("running_mean") || operation_->schema().overload_name() == "no_stats") return;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string& name = parameters[i].name();
    const c10::IValue& given = arguments_[i].constant;
    if ((name == "train" || name == "training" || name == "use_input_stats") && given.isBool()) {
      switches_.push_back({i, given, false});
    } else if (name == "dropout_p" && given.isDouble()) {
      switches_.push_back({i, given, 0.0});
    }
  }
}

void ExportedOperation::set_training(bool training) {
  for (const Switch& each : switches_) {
    arguments_[each.argument].constant = training ? each.in_training : each.in_evaluation;
  }
}

bool ExportedOperation::writes_in_place() const {
  const auto& parameters = operation_->schema().arguments();
  const c10::AliasInfo* alias = parameters.empty() ? nullptr : parameters.front().alias_info();
  return alias != nullptr && alias->isWrite();
}

/// instance_norm writes its mean over the samples also when its switch is off.
bool ExportedOperation::updates_statistics() const {
  const std::string& name = operation_->schema().name();
  if (name == "aten::instance_norm") return true;
  const bool is_off = std::ranges::any_of(
      switches_, [](const Switch& one) { return one.in_training.isBool() && !one.in_training.toBool(); });
  return (name == "aten::batch_norm" || name == "aten::native_batch_norm") && !is_off;
}

void ExportedOperation::find_written() {
  if (!operation_) return;
  const auto& parameters = operation_->schema().arguments();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const bool is_statistic = parameters[i].name() == "running_mean" || parameters[i].name() == "running_var";
    if (i == 0 ? !writes_in_place() : !is_statistic || !updates_statistics()) continue;
    const OperationArgument& argument = arguments_[i];
    if (argument.kind == OperationArgument::Kind::value) {
      written_.push_back(argument.value);
    } else if (!argument.constant.isNone()) {
      refuse("writes to a constant; supported are buffers and results");
    }
  }
}

void ExportedOperation::run(std::vector<c10::IValue>& values) {
  stack_.clear();
  try {
    for (const OperationArgument& argument : arguments_) stack_.push_back(value_of(argument, values));
    if (operation_) {
      if (batch_statistics_) require_statistics();
      operation_->callBoxed(stack_);
    } else {
      stack_ = {function_(stack_)};
    }
    store(values);
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) throw;
    refuse(line_of(error));
  }
  stack_.clear();
}

/// PyTorch's Python does the same before the operation, which makes a running variance of NaN.
void ExportedOperation::require_statistics() const {
  const at::Tensor& input = stack_.front().toTensor();
  if (!stack_[*batch_statistics_].toBool() || input.dim() < 2 || input.numel() != input.size(1)) return;
  refuse("normalizes by the batch and needs more than one value in each channel, found " +
         tensor_text(input.scalar_type(), input.sizes()) +
         "; choose trainer.batch_size so that no batch has one sample, or set data.drop_last = true");
}

void ExportedOperation::store(std::vector<c10::IValue>& values) {
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const ExportedResult& result = results_[i];
    c10::IValue& value = stack_.at(i);
    if (!result.is_list) {
      if (value.isSymInt()) value = value.toSymInt().expect_int();
      if (!result.values.empty()) values[result.values.front()] = std::move(value);
      continue;
    }
    std::vector<at::Tensor> tensors = value.toTensorVector();
    TORCH_CHECK(tensors.size() == result.values.size(), "expected ", result.values.size(), " tensors, found ",
                tensors.size());
    for (std::size_t j = 0; j < tensors.size(); ++j) values[result.values[j]] = std::move(tensors[j]);
  }
}

void ExportedOperation::run_without_writes(std::vector<c10::IValue>& values) {
  if (writes_in_place()) {
    for (const ExportedResult& result : results_) {
      for (const ValueNumber number : result.values) values[number] = values[written_.front()];
    }
    return;
  }
  std::vector<c10::IValue> kept;
  for (const ValueNumber number : written_) {
    kept.push_back(values[number]);
    if (kept.back().isTensor()) values[number] = kept.back().toTensor().clone();
  }
  run(values);
  for (std::size_t i = kept.size(); i-- > 0;) values[written_[i]] = std::move(kept[i]);
}

void ExportedOperation::refuse(const std::string& what) const {
  throw RunError(ExitStatus::bad_data, place_ + ": " + what);
}

}  // namespace runnel
