// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/write_watch.h"

#include <ATen/core/function_schema.h>

#include <algorithm>
#include <optional>

namespace runnel {
namespace {

thread_local WriteWatch* current_watch = nullptr;

/// What `operation` is given for parameter `index` of its schema, or null.
const c10::IValue* input_of(const at::RecordFunction& operation, const c10::FunctionSchema& schema, std::size_t index) {
  const auto inputs = operation.inputs();
  const std::size_t count = schema.arguments().size();
  // TorchScript's interpreter gives its whole stack, with the inputs at the end.
  return index < count && inputs.size() >= count ? &inputs[inputs.size() - count + index] : nullptr;
}

std::size_t place_of(const c10::FunctionSchema& schema, std::string_view name) {
  const auto& all = schema.arguments();
  const auto found = std::ranges::find(all, name, [](const auto& one) { return std::string_view(one.name()); });
  return static_cast<std::size_t>(found - all.begin());
}

/// instance_norm also writes its statistics when its switch is off.
bool keeps_statistics(const at::RecordFunction& operation, const c10::FunctionSchema& schema) {
  const c10::IValue* const training = input_of(operation, schema, place_of(schema, "training"));
  return training != nullptr && training->isBool() && !training->toBool();
}

bool is_statistic(const c10::Argument& parameter) {
  return parameter.name() == "running_mean" || parameter.name() == "running_var";
}

bool is_marked(const c10::Argument& parameter) {
  return parameter.alias_info() != nullptr && parameter.alias_info()->isWrite();
}

}  // namespace

WriteWatch::WriteWatch(const std::vector<NamedTensor>& parameters)
    : parameters_(parameters),
      callback_(at::addThreadLocalCallback(at::RecordFunctionCallback(&WriteWatch::on_operation)
                                               .needsInputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
  current_watch = this;
}

WriteWatch::~WriteWatch() {
  at::removeCallback(callback_);
  current_watch = nullptr;
}

std::unique_ptr<at::ObserverContext> WriteWatch::on_operation(const at::RecordFunction& operation) {
  const std::optional<c10::FunctionSchema> schema = operation.operator_schema();
  if (current_watch == nullptr || !schema) return nullptr;
  for (std::size_t i = 0; i < schema->arguments().size(); ++i) {
    const c10::Argument& parameter = schema->arguments()[i];
    const c10::IValue* const given = input_of(operation, *schema, i);
    const bool writes = is_marked(parameter) || (is_statistic(parameter) && !keeps_statistics(operation, *schema));
    if (writes && given != nullptr) current_watch->note(*given);
  }
  return nullptr;
}

void WriteWatch::note(const c10::IValue& tensor) {
  if (!tensor.isTensor() || !tensor.toTensor().defined() || written_ != nullptr) return;
  const auto is_given = [&](const NamedTensor& one) { return one.tensor.is_alias_of(tensor.toTensor()); };
  const auto found = std::ranges::find_if(parameters_, is_given);
  if (found != parameters_.end()) written_ = &*found;
}

}  // namespace runnel
