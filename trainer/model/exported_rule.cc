// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_rule.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/model/exported_arithmetic.h"

namespace runnel {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kAten = "torch.ops.aten.";

/// Internal operations that exports contain, before and after PyTorch's decompositions.
constexpr std::array kInternal = {"_adaptive_avg_pool2d"sv,
                                  "_embedding_bag"sv,
                                  "_log_softmax"sv,
                                  "_native_batch_norm_legit"sv,
                                  "_native_batch_norm_legit_functional"sv,
                                  "_safe_softmax"sv,
                                  "_softmax"sv,
                                  "_to_copy"sv,
                                  "_trilinear"sv,
                                  "_unsafe_view"sv,
                                  "_upsample_bilinear2d_aa"sv,
                                  "_weight_norm"sv,
                                  "_weight_norm_interface"sv};

constexpr std::array kForeign = {"fbgemm"sv, "mkldnn"sv, "quantize"sv, "cudnn_"sv, "miopen"sv, "sparse"sv, "nested"sv};

/// Names of the parameters that take texts: each chooses among variants of an operation, or is a formula (einsum).
constexpr std::array kTexts = {"approximate"sv, "equation"sv, "indexing"sv,      "mode"sv, "ord"sv,  "pad_mode"sv,
                               "padding"sv,     "reduce"sv,   "rounding_mode"sv, "side"sv, "UPLO"sv, "driver"sv};

bool is_plain(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
    case c10::TypeKind::DeviceObjType:
      return true;
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::ListType:
      return is_plain(*type.containedType(0));
    default:
      return false;
  }
}

bool is_text(const c10::Argument& parameter) {
  const c10::Type* type = parameter.type().get();
  if (type->kind() == c10::TypeKind::OptionalType) type = type->containedType(0).get();
  return type->kind() == c10::TypeKind::StringType && std::ranges::find(kTexts, parameter.name()) != kTexts.end();
}

/// Whether it writes to running statistics in evaluation, too, without a mark in its schema.
bool gathers_statistics(std::string_view name) {
  return name.starts_with("batch_norm_gather_stats") || name.starts_with("batch_norm_update_stats");
}

bool writes(const c10::Argument& parameter) {
  return parameter.alias_info() != nullptr && parameter.alias_info()->isWrite();
}

/// The part of the rule that `operation`, named `name` in aten, breaks; empty for none.
std::string broken_rule(const c10::OperatorHandle& operation, std::string_view name) {
  const auto& parameters = operation.schema().arguments();
  const auto& results = operation.schema().returns();
  if (name.starts_with('_') && std::ranges::find(kInternal, name) == kInternal.end()) return "is internal to PyTorch";
  for (const std::string_view foreign : kForeign) {
    if (name.find(foreign) != std::string_view::npos) return "is for tensors in a format of a library";
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const c10::Argument& parameter = parameters[i];
    if (!is_plain(*parameter.type()) && !is_text(parameter) && !parameter.default_value()) {
      return "takes more than tensors and numbers: \"" + parameter.name() + "\"";
    }
    const bool is_statistic = parameter.name() == "running_mean" && gathers_statistics(name);
    if ((writes(parameter) && i > 0) || is_statistic) return "writes to \"" + parameter.name() + "\"";
  }
  const bool plain_results = std::ranges::all_of(results, [](const auto& r) { return is_plain(*r.type()); });
  if (results.empty() || !plain_results) return "gives no tensor or number";
  // detach_ is what an export has for a tensor that forward makes from numbers.
  if ((operation.hasTag(at::Tag::inplace_view) && name != "detach_") || name == "requires_grad_") {
    return "changes what a tensor is, instead of its elements";
  }
  return "";
}

/// Whether it is a function on numbers that torch.export can write, such as "_operator.pow".
bool is_size_function(const std::string& target) {
  return target.starts_with("_operator.") || target.starts_with("math.") || target.starts_with("torch.sym_") ||
         target.starts_with("torch._sym_");
}

[[noreturn]] void refuse(const std::string& place, const std::string& target, const std::string& why) {
  throw RunError(ExitStatus::bad_data, place + ": the operation " + printable(target, 100) + " " + why +
                                           "; supported are functions on tensors of the namespace aten");
}

}  // namespace

bool only_asserts(const std::string& target) {
  return target.starts_with("torch.ops.aten._assert_") || target.starts_with("torch.ops.aten.sym_constrain_range");
}

c10::OperatorHandle permitted_operation(const std::string& target, const std::string& place) {
  if (is_size_function(target)) {
    throw RunError(ExitStatus::bad_data, place + ": " + printable(target, 100) +
                                             " computes a size or a number, and is not supported; supported for that "
                                             "are " +
                                             size_function_names());
  }
  if (!target.starts_with(kAten)) refuse(place, target, "is unknown");
  const std::string rest = target.substr(kAten.size());
  const std::size_t dot = rest.find('.');
  const std::string name = rest.substr(0, dot);
  const std::string overload = dot == std::string::npos ? "" : rest.substr(dot + 1);
  const std::string full_name = "aten::" + name;
  const auto operation =
      c10::Dispatcher::singleton().findSchema({full_name, overload == "default" ? std::string() : overload});
  if (!operation) refuse(place, target, "is unknown to this LibTorch");
  const std::string broken = broken_rule(*operation, name);
  if (!broken.empty()) refuse(place, target, broken);
  return *operation;
}

}  // namespace runnel
