// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/torchscript_rule.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

namespace jit = torch::jit;

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw RunError(ExitStatus::bad_configuration, place + ": " + what);
}

/// Where `node` is in the model's source: "net.py:14"; empty for a file without that.
std::string line_of(const jit::Node& node) {
  jit::SourceRange range = node.sourceRange();
  if (const auto original = range.findSourceRangeThatGenerated()) range = *original;
  const auto place = range.file_line_col();
  if (!place) return "";
  const auto& [file, line, column] = *place;
  return printable(file.substr(file.rfind('/') + 1)) + ":" + std::to_string(line);
}

/// The constant that `node` has for a parameter of its operation; nothing for a computed value, or without it.
std::optional<c10::IValue> constant_of(const jit::Node& node, std::string_view parameter) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return std::nullopt;
  const auto& all = schema->arguments();
  const auto found = std::ranges::find(all, parameter, [](const auto& one) { return std::string_view(one.name()); });
  if (found == all.end()) return std::nullopt;
  return jit::toIValue(node.input(static_cast<std::size_t>(found - all.begin())));
}

bool is_zero(const std::optional<c10::IValue>& share) {
  return share && share->isDouble() && share->toDouble() == 0;
}

/// Whether an operation computes the same in training and in evaluation because its switch is a constant.
bool has_fixed_switch(const jit::Node& node) {
  const auto attention = constant_of(node, "dropout_p");
  if (attention && attention->isDouble() && attention->toDouble() != 0) return true;
  if (is_zero(constant_of(node, "p")) || is_zero(constant_of(node, "dropout"))) return false;
  const auto statistics = constant_of(node, "running_mean");
  if (statistics && statistics->isNone()) return false;  // the batch's are taken, also in evaluation
  return std::ranges::any_of(std::array{"train", "training", "use_input_stats"}, [&](const char* name) {
    const auto given = constant_of(node, name);
    return given && given->isBool();
  });
}

/// Goes through a function, and through all that it calls, once.
class FunctionCheck {
 public:
  FunctionCheck(const std::string& file, c10::Device device) : file_(file), device_(device) {}

  /// `module`: the name of the module that the function belongs to, for messages.
  void check(jit::Function& function, const std::string& module) {
    if (!function.isGraphFunction() || !checked_.insert(&function).second) return;
    module_ = module;
    check(*jit::toGraphFunction(function).graph()->block());
  }

 private:
  void check(const jit::Block& block) {
    for (const jit::Node* node : block.nodes()) {
      check(*node);
      for (const jit::Block* inner : node->blocks()) check(*inner);
    }
  }

  void check(const jit::Node& node) {
    const auto kind = node.kind();
    if (kind == c10::prim::Constant) return check_device(node);
    if (kind == c10::prim::fork) {
      refuse(place(node), "torch.jit.fork is not supported; call the function");
    }
    if (kind == c10::prim::SetAttr && node.input(1)->type()->isSubtypeOf(*c10::OptionalType::ofTensor())) {
      refuse(place(node), "a tensor is assigned to \"" + printable(node.s(c10::attr::name)) +
                              "\", which other processes would not see; write to it with copy_()");
    }
    if (has_fixed_switch(node)) {
      refuse(place(node), std::string(node.kind().toQualString()) +
                              " is the same in training and in evaluation, as after torch.jit.trace; save the module "
                              "of torch.jit.script, with self.training as the switch");
    }
    if (kind == c10::prim::CallFunction) {
      check(*node.input(0)->type()->expectRef<c10::FunctionType>().function(), module_);
    } else if (kind == c10::prim::CallMethod) {
      check_method(node);
    }
  }

  /// `forward` of other modules is checked under their own names.
  void check_method(const jit::Node& node) {
    const auto type = node.input(0)->type()->cast<c10::ClassType>();
    const std::string& method = node.s(c10::attr::name);
    if (type && !(type->is_module() && method == "forward")) check(type->getMethod(method), module_);
  }

  void check_device(const jit::Node& node) const {
    const auto value = jit::toIValue(node.output());
    if (!value || !value->isDevice()) return;
    const c10::Device found = value->toDevice();
    if (found.type() == device_.type() && (!found.has_index() || found == device_)) return;
    refuse(place(node), "a tensor is put on the constant device " + found.str() + ", but the passes run on " +
                            device_.str() + "; take the device of an input, as in device=x.device");
  }

  std::string place(const jit::Node& node) const {
    const std::string line = line_of(node);
    return file_ + ": " + (module_.empty() ? "forward" : "module \"" + printable(module_, 200) + "\"") +
           (line.empty() ? "" : " (" + line + ")");
  }

  const std::string& file_;
  c10::Device device_;
  std::string module_;
  std::unordered_set<const jit::Function*> checked_;
};

/// That of forward, or of the last of its hooks that replaces it.
c10::TypePtr result_type(const jit::Module& module, const c10::FunctionSchema& forward) {
  c10::TypePtr type = forward.returns().front().type();
  for (const jit::Function* hook : module.type()->getForwardHooks()) {
    const c10::TypePtr& replaced = hook->getSchema().returns().front().type();
    if (replaced->kind() != c10::TypeKind::NoneType) type = replaced;
  }
  return type;
}

void check_outputs(const c10::TypePtr& type, const std::string& file) {
  const auto is_tensor = [](const c10::TypePtr& one) { return one->kind() == c10::TypeKind::TensorType; };
  if (is_tensor(type)) return;
  const auto tuple = type->cast<c10::TupleType>();
  if (tuple && !tuple->elements().empty() && std::ranges::all_of(tuple->elements(), is_tensor)) return;
  refuse(file, "forward returns " + printable(type->annotation_str(), 200) +
                   "; supported are a tensor and a tuple of tensors");
}

std::size_t count_inputs(const c10::FunctionSchema& schema, const std::string& file) {
  std::size_t inputs = 0;
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {  // the first is the module itself
    const c10::Argument& argument = schema.arguments()[i];
    if (argument.default_value()) continue;
    ++inputs;
    if (!argument.kwarg_only() && c10::TensorType::get()->isSubtypeOf(*argument.type())) continue;
    refuse(file, "forward takes \"" + printable(argument.name()) + "\" as " +
                     printable(argument.type()->annotation_str(), 200) + (argument.kwarg_only() ? " by name" : "") +
                     "; supported are tensors by position");
  }
  return inputs;
}

}  // namespace

std::size_t require_supported(const jit::Module& module, const std::string& file, c10::Device device) {
  const auto forward = module.find_method("forward");
  if (!forward) refuse(file, "the module has no forward");
  if (module.parameters().size() == 0) {
    refuse(file, "the module has no parameters; one of torch.jit.freeze has constants instead: save it before that");
  }
  const c10::FunctionSchema& schema = forward->function().getSchema();
  check_outputs(result_type(module, schema), file);
  const std::size_t inputs = count_inputs(schema, file);
  FunctionCheck functions(file, device);
  // Each by itself, as a call through an interface does not say of which class its module is.
  for (const auto& [name, inner] : module.named_modules()) {
    if (const auto method = inner.find_method("forward")) functions.check(method->function(), name);
    for (jit::Function* hook : inner.type()->getForwardPreHooks()) functions.check(*hook, name);
    for (jit::Function* hook : inner.type()->getForwardHooks()) functions.check(*hook, name);
  }
  return inputs;
}

}  // namespace runnel
