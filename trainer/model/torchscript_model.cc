// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/torchscript_model.h"

#include <torch/script.h>

#include <limits>
#include <optional>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/archive/archive_kind.h"
#include "trainer/archive/exported_nodes.h"
#include "trainer/model/torchscript_rule.h"
#include "trainer/model/write_watch.h"

namespace runnel {
namespace {

/// LibTorch compares no checksums: it would load most damaged files, with other weights.
void require_undamaged(const std::filesystem::path& file) {
  const ZipArchive archive(file);
  const ArchiveKind kind = kind_of(archive);
  if (kind != ArchiveKind::torch_script) {
    throw RunError(ExitStatus::bad_data, file.string() + ": expected a TorchScript archive, as torch.jit.script and " +
                                             "save() write it; found " + describe(kind));
  }
  for (const ZipMember& member : archive.members()) archive.read(member, std::numeric_limits<std::uint64_t>::max());
}

std::string line_at(const std::string& text, std::size_t begin) {
  return text.substr(begin, text.find('\n', begin) - begin);
}

torch::jit::Module load(const std::filesystem::path& file, c10::Device device) {
  require_undamaged(file);
  try {
    return torch::jit::load(file.string(), device);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const std::size_t begin = std::min(text.find_first_not_of("\n "), text.size());
    throw RunError(ExitStatus::bad_data,
                   file.string() + ": LibTorch cannot load it: " + printable(line_at(text, begin), 300));
  }
}

/// Whether a line is an exception's, as in "builtins.ValueError: bad size", and not a piece of source.
bool is_reason(const std::string& line) {
  constexpr const char* kName = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
  const std::size_t name = line.find_first_not_of(kName);
  return name != 0 && name != std::string::npos && line.compare(name, 2, ": ") == 0;
}

/// The reason in an error of the interpreter, which puts two stacks with pieces of source before it.
std::string reason_in(const std::string& text) {
  const std::size_t mark = text.rfind("<--- HERE");
  std::string reason = line_at(text, 0);
  for (std::size_t end = mark; end < text.size(); end = text.find('\n', end + 1)) {
    const std::string line = line_at(text, end + 1);
    if (text[end] != '\n' || !is_reason(line)) continue;
    reason = line;
    break;
  }
  constexpr std::string_view kAnyError = "RuntimeError: ";
  if (reason.starts_with(kAnyError)) reason.erase(0, kAnyError.size());
  return printable(reason, 300);
}

/// The model's line that failed, "net.py:14", and why.
std::string failure_of(const std::string& text) {
  const std::size_t original = text.find("original code (most recent call last)");
  const std::string line = source_line(original == std::string::npos ? text : text.substr(original));
  return "forward" + (line.empty() ? "" : " (" + line + ")") + ": " + reason_in(text);
}

/// Undoes what a pass writes to buffers.
class BufferCopy {
 public:
  explicit BufferCopy(const std::vector<NamedTensor>& buffers) {
    for (const auto& [name, tensor] : buffers) kept_.emplace_back(tensor, tensor.clone());
  }

  void restore() const {
    const at::NoGradGuard no_grad;
    for (const auto& [tensor, copy] : kept_) tensor.copy_(copy);
  }

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> kept_;
};

std::vector<std::int64_t> versions_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::int64_t> versions;
  versions.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) versions.push_back(tensor._version());
  return versions;
}

template <class Tensors>
std::vector<NamedTensor> named(const Tensors& tensors) {
  std::vector<NamedTensor> all;
  for (const auto& one : tensors) all.push_back({one.name, one.value});
  return all;
}

}  // namespace

TorchScriptModel::TorchScriptModel(const std::filesystem::path& file, c10::Device device)
    : file_(file), module_(std::make_unique<torch::jit::Module>(load(file, device))) {
  inputs_ = require_supported(*module_, file_.string(), device);
  parameters_ = named(module_->named_parameters());
  buffers_ = named(module_->named_buffers());
  const bool is_whole = !module_->is_training();
  for (const torch::jit::Module& one : module_->modules()) {
    if (one.hasattr("training") && (is_whole || one.is_training())) switched_.push_back(one);
  }
  set_training(true);
}

TorchScriptModel::~TorchScriptModel() = default;

void TorchScriptModel::set_training(bool training) {
  training_ = training;
  for (torch::jit::Module& one : switched_) one.setattr("training", training);
}

std::vector<at::Tensor> TorchScriptModel::forward(const Batch& batch) {
  if (batch.fields.size() < inputs_) {
    throw RunError(ExitStatus::bad_configuration, file_.string() + ": forward takes " + std::to_string(inputs_) +
                                                      " tensors, the batch has " + std::to_string(batch.fields.size()));
  }
  const BufferCopy buffers(training_ ? std::vector<NamedTensor>() : buffers_);
  const std::vector<std::int64_t> versions = versions_of(parameters_);
  std::optional<WriteWatch> watch;  // of the first pass of each kind, as it takes time
  if (!std::exchange(watched_[training_ ? 0 : 1], true)) watch.emplace(parameters_);
  const c10::IValue output =
      interpret({batch.fields.begin(), batch.fields.begin() + static_cast<std::ptrdiff_t>(inputs_)});
  buffers.restore();
  require_unwritten(versions);
  if (watch && watch->written() != nullptr) refuse_write(*watch->written());
  if (output.isTensor()) return {output.toTensor()};
  std::vector<at::Tensor> outputs;
  for (const c10::IValue& one : output.toTupleRef().elements()) outputs.push_back(one.toTensor());
  return outputs;
}

void TorchScriptModel::require_unwritten(const std::vector<std::int64_t>& versions) const {
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (parameters_[i].tensor._version() != versions[i]) refuse_write(parameters_[i]);
  }
}

void TorchScriptModel::refuse_write(const NamedTensor& parameter) const {
  throw RunError(ExitStatus::bad_data, file_.string() + ": forward writes to the parameter \"" +
                                           printable(parameter.name, 200) + "\"; supported are buffers");
}

/// Without LibTorch's optimizer: with it, gradients come together at the end of parts of the graph, which change after
/// two passes.
c10::IValue TorchScriptModel::interpret(std::vector<c10::IValue> inputs) {
  const torch::jit::GraphOptimizerEnabledGuard interpret_only(false);
  try {
    return (*module_)(std::move(inputs));  // with the hooks that the file has
  } catch (const std::exception& error) {
    const std::string failure = file_.string() + ": " + failure_of(error.what());
    const bool is_memory = failure.find("out of memory") != std::string::npos ||
                           failure.find("can't allocate memory") != std::string::npos;
    if (is_memory) throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, failure);
    throw RunError(ExitStatus::bad_data, failure);
  }
}

}  // namespace runnel
