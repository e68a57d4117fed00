// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/statistics_watch.h"

#include <ATen/core/function_schema.h>

#include <algorithm>
#include <optional>

namespace runnel {
namespace {

thread_local StatisticsWatch* current_watch = nullptr;

const c10::IValue* input_of(const at::RecordFunction& operation, const c10::FunctionSchema& schema,
                            std::string_view name) {
  const auto& all = schema.arguments();
  const auto found = std::ranges::find(all, name, [](const auto& one) { return std::string_view(one.name()); });
  const auto inputs = operation.inputs();
  if (found == all.end() || inputs.size() < all.size()) return nullptr;
  // TorchScript's interpreter gives its whole stack, with the inputs at the end.
  return &inputs[inputs.size() - static_cast<std::size_t>(all.end() - found)];
}

/// instance_norm also writes when its switch is off.
bool is_off(const at::RecordFunction& operation, const c10::FunctionSchema& schema) {
  const c10::IValue* const training = input_of(operation, schema, "training");
  return training != nullptr && training->isBool() && !training->toBool();
}

}  // namespace

StatisticsWatch::StatisticsWatch(const std::vector<NamedTensor>& parameters)
    : parameters_(parameters),
      callback_(at::addThreadLocalCallback(at::RecordFunctionCallback(&StatisticsWatch::on_operation)
                                               .needsInputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {
  current_watch = this;
}

StatisticsWatch::~StatisticsWatch() {
  at::removeCallback(callback_);
  current_watch = nullptr;
}

std::unique_ptr<at::ObserverContext> StatisticsWatch::on_operation(const at::RecordFunction& operation) {
  const std::optional<c10::FunctionSchema> schema = operation.operator_schema();
  if (current_watch == nullptr || !schema || is_off(operation, *schema)) return nullptr;
  for (const char* name : {"running_mean", "running_var"}) {
    if (const c10::IValue* const statistic = input_of(operation, *schema, name)) current_watch->note(*statistic);
  }
  return nullptr;
}

void StatisticsWatch::note(const c10::IValue& statistic) {
  if (!statistic.isTensor() || !statistic.toTensor().defined() || written_ != nullptr) return;
  const auto is_given = [&](const NamedTensor& one) { return one.tensor.is_alias_of(statistic.toTensor()); };
  const auto found = std::ranges::find_if(parameters_, is_given);
  if (found != parameters_.end()) written_ = &*found;
}

}  // namespace runnel
