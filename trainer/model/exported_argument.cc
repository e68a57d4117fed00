// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_argument.h"

#include <ATen/core/List.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/util/Exception.h>

#include <array>
#include <optional>

namespace runnel {
namespace {

using c10::TypeKind;

template <class Element, class Convert>
c10::IValue list_of(const std::vector<c10::IValue>& items, const Convert& convert) {
  c10::List<Element> list;
  list.reserve(items.size());
  for (const c10::IValue& item : items) list.push_back(convert(item));
  return list;
}

/// A list with elements of `type`. Throws `c10::Error` for elements of other kinds.
c10::IValue list_value(const std::vector<c10::IValue>& items, const c10::Type& type) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return list_of<at::Tensor>(items, [](const c10::IValue& item) { return item.toTensor(); });
    case TypeKind::OptionalType:
      TORCH_CHECK(type.containedType(0)->kind() == TypeKind::TensorType, "expected a list of tensors");
      return list_of<std::optional<at::Tensor>>(items,
                                                [](const c10::IValue& item) { return item.toOptional<at::Tensor>(); });
    case TypeKind::FloatType:
      return list_of<double>(items, [](const c10::IValue& item) { return item.toDouble(); });
    case TypeKind::BoolType:
      return list_of<bool>(items, [](const c10::IValue& item) { return item.toBool(); });
    case TypeKind::NumberType:
      return list_of<at::Scalar>(items, [](const c10::IValue& item) { return item.toScalar(); });
    default:
      return list_of<std::int64_t>(items, [](const c10::IValue& item) { return item.toInt(); });
  }
}

}  // namespace

std::int64_t memory_format_of(std::int64_t number) {
  constexpr std::array kFormats = {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast,
                                   at::MemoryFormat::ChannelsLast3d, at::MemoryFormat::Preserve};
  const bool known = number >= 1 && number <= static_cast<std::int64_t>(kFormats.size());
  return known ? static_cast<std::int64_t>(kFormats[static_cast<std::size_t>(number - 1)]) : -1;
}

std::int64_t tensor_layout_of(std::int64_t number) {
  constexpr std::int64_t kStrided = 7;
  return number == kStrided ? static_cast<std::int64_t>(at::Layout::Strided) : -1;
}

c10::IValue fitted(c10::IValue value, const c10::Type& type) {
  if (value.isSymInt()) value = value.toSymInt().expect_int();
  if (type.kind() == TypeKind::TensorType && value.isScalar()) {
    const at::ScalarType element = value.isBool() ? at::kBool : value.isInt() ? at::kLong : at::kDouble;
    at::Tensor number = at::scalar_tensor(value.toScalar(), element);
    // As Python's numbers: it does not decide the type of a result.
    number.unsafeGetTensorImpl()->set_wrapped_number(true);
    return number;
  }
  if (type.kind() == TypeKind::FloatType && value.isInt()) return static_cast<double>(value.toInt());
  return value;
}

c10::IValue value_of(const OperationArgument& argument, const std::vector<c10::IValue>& values) {
  if (argument.kind == OperationArgument::Kind::constant) return argument.constant;
  if (argument.kind == OperationArgument::Kind::value) {
    return argument.type == nullptr ? values[argument.value] : fitted(values[argument.value], *argument.type);
  }
  std::vector<c10::IValue> items;
  items.reserve(argument.items.size());
  for (const OperationArgument& item : argument.items) items.push_back(value_of(item, values));
  return list_value(items, *argument.type);
}

}  // namespace runnel
