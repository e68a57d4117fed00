// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/trained_tensors.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "runtime/base/run_error.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/training_step.h"
#include "trainer/torch/tensor_text.h"

namespace runnel {
namespace {

/// Calls a function when autograd has completed a parameter's gradient.
class AfterGradient final : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit AfterGradient(std::function<void()> call) : call_(std::move(call)) {}

  void operator()(const at::Tensor&) override { call_(); }

 private:
  std::function<void()> call_;
};

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw RunError(ExitStatus::bad_configuration, "the model's parameter '" + name + "' " + what);
}

[[noreturn]] void refuse_shared(const std::string& name, const std::string& other) {
  throw RunError(ExitStatus::bad_configuration, "the model's tensor '" + name + "' shares memory with '" + other +
                                                    "'; make it a tensor of its own, or the same tensor");
}

void require_trainable(const NamedTensor& parameter) {
  const at::Tensor& tensor = parameter.tensor;
  if (tensor.scalar_type() != at::kFloat) {
    refuse(parameter.name, "is of type " + type_text(tensor.scalar_type()) +
                               ", and only float32 is trained; convert the model, or freeze this parameter");
  }
  if (tensor.layout() != at::kStrided) refuse(parameter.name, "is sparse, and only dense tensors are trained");
  if (!tensor.is_leaf()) refuse(parameter.name, "is the result of a computation; a parameter is a leaf of autograd");
  if (tensor.numel() == 0) refuse(parameter.name, "has no elements; remove it");
}

/// Where the elements of a tensor are.
struct MemoryRange {
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
  const NamedTensor* tensor = nullptr;
  bool is_buffer = false;
};

void add_range(std::vector<MemoryRange>& ranges, const NamedTensor& one, bool is_buffer) {
  if (one.tensor.layout() != at::kStrided || one.tensor.numel() == 0) return;
  std::int64_t elements = 1;  // from the first to the last
  for (std::int64_t i = 0; i < one.tensor.dim(); ++i) elements += (one.tensor.size(i) - 1) * one.tensor.stride(i);
  const auto* const begin = static_cast<const std::byte*>(one.tensor.const_data_ptr());
  ranges.push_back({begin, begin + static_cast<std::size_t>(elements) * one.tensor.element_size(), &one, is_buffer});
}

void move_to(c10::Device device, const at::Tensor& tensor) {
  const at::NoGradGuard no_grad;
  if (tensor.device() != device) tensor.set_data(tensor.to(device));
}

}  // namespace

TrainedTensors::TrainedTensors(Model& model, c10::Device device, bool exchanges_buffers) : device_(device) {
  const std::vector<NamedTensor> parameters = model.parameters();
  const std::vector<NamedTensor> buffers = model.buffers();
  for (const NamedTensor& parameter : parameters) {
    if (parameter.tensor.requires_grad()) add(parameter);
  }
  require_own_memory(parameters);
  require_own_memory(buffers);
  require_own_buffers(parameters, buffers);
  for (const NamedTensor& parameter : parameters) {
    move_to(device, parameter.tensor);
    keep(parameter, /*is_buffer=*/false).place = index_of(parameter.tensor.unsafeGetTensorImpl());
  }
  for (const NamedTensor& buffer : buffers) {
    move_to(device, buffer.tensor);
    ModelTensor& kept = keep(buffer, /*is_buffer=*/true);
    const bool is_float = buffer.tensor.scalar_type() == at::kFloat && buffer.tensor.numel() > 0;
    if (!exchanges_buffers || !is_float || kept.place) continue;
    kept.place = trained_.size() + buffers_.size();
    buffers_.push_back(buffer);
  }
  if (trained_.empty()) {
    throw RunError(ExitStatus::bad_configuration,
                   "the model has no parameter that requires a gradient: nothing to train");
  }
  for (std::size_t i = 0; i < trained_.size(); ++i) set_hook(i);
}

/// The entry of `tensor` in `all_`, to which its name is added.
ModelTensor& TrainedTensors::keep(const NamedTensor& tensor, bool is_buffer) {
  const auto [index, is_new] = all_index_.emplace(tensor.tensor.unsafeGetTensorImpl(), all_.size());
  if (is_new) all_.push_back({.names = {}, .tensor = tensor.tensor, .is_buffer = is_buffer});
  ModelTensor& entry = all_[index->second];
  entry.names.push_back(tensor.name);
  return entry;
}

void TrainedTensors::add(const NamedTensor& parameter) {
  if (index_.contains(parameter.tensor.unsafeGetTensorImpl())) return;  // another name of the same tensor
  require_trainable(parameter);
  index_.emplace(parameter.tensor.unsafeGetTensorImpl(), trained_.size());
  trained_.push_back(parameter);
}

/// What is trained moves to other memory, where a tensor that shares the old one would not follow.
void TrainedTensors::require_own_memory(const std::vector<NamedTensor>& tensors) const {
  std::unordered_map<const c10::StorageImpl*, const NamedTensor*> trained;
  for (const NamedTensor& one : trained_) {
    const NamedTensor*& other = trained[one.tensor.storage().unsafeGetStorageImpl()];
    if (other != nullptr) refuse_shared(one.name, other->name);
    other = &one;
  }
  for (const NamedTensor& one : tensors) {
    if (!one.tensor.has_storage() || index_of(one.tensor.unsafeGetTensorImpl())) continue;
    const auto other = trained.find(one.tensor.storage().unsafeGetStorageImpl());
    if (other != trained.end()) refuse_shared(one.name, other->second->name);
  }
}

/// A pass that writes to a buffer would change the other one, which is saved, averaged and moved to a device by itself.
void TrainedTensors::require_own_buffers(const std::vector<NamedTensor>& parameters,
                                         const std::vector<NamedTensor>& buffers) {
  std::vector<MemoryRange> ranges;
  for (const NamedTensor& one : parameters) add_range(ranges, one, /*is_buffer=*/false);
  for (const NamedTensor& one : buffers) add_range(ranges, one, /*is_buffer=*/true);
  std::ranges::sort(ranges, {}, &MemoryRange::begin);
  const MemoryRange* last = nullptr;         // of those so far, the one that ends last
  const MemoryRange* last_buffer = nullptr;  // the same of buffers
  for (const MemoryRange& range : ranges) {
    const MemoryRange* const other = range.is_buffer ? last : last_buffer;
    if (other != nullptr && other->end > range.begin && !other->tensor->tensor.is_same(range.tensor->tensor)) {
      refuse_shared(range.tensor->name, other->tensor->name);
    }
    if (last == nullptr || range.end > last->end) last = &range;
    if (range.is_buffer && (last_buffer == nullptr || range.end > last_buffer->end)) last_buffer = &range;
  }
}

void TrainedTensors::set_hook(std::size_t tensor) {
  const auto report = [this, tensor] {
    if (step_ != nullptr) step_->on_gradient(tensor);
  };
  torch::autograd::impl::set_post_acc_grad_hooks(trained_[tensor].tensor, std::make_unique<AfterGradient>(report));
}

std::vector<BucketLayout::Tensor> TrainedTensors::shapes() const {
  std::vector<BucketLayout::Tensor> shapes;
  for (const NamedTensor& parameter : trained_) {
    shapes.push_back({parameter.name, parameter.tensor.sizes().vec()});
  }
  for (const NamedTensor& buffer : buffers_) {
    shapes.push_back({buffer.name, buffer.tensor.sizes().vec(), TensorRule::average});
  }
  return shapes;
}

void TrainedTensors::copy_buffers(const TensorArena& arena) const {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].tensor.copy_(arena.tensors()[trained_.size() + i]);
}

void TrainedTensors::bind(const TensorArena& arena) const {
  for (std::size_t i = 0; i < trained_.size(); ++i) trained_[i].tensor.set_data(arena.tensors()[i]);
}

std::optional<std::size_t> TrainedTensors::index_of(const at::TensorImpl* tensor) const {
  const auto found = index_.find(tensor);
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace runnel
