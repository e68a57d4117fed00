// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/training_step.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/record_function.h>

#include <memory>
#include <utility>

#include "runtime/base/run_error.h"
#include "trainer/model/tensor_arena.h"

namespace runnel {
namespace {

thread_local TrainingStep* current_step = nullptr;

}  // namespace

void require_dense_gradient(const NamedTensor& parameter) {
  const at::Tensor& gradient = parameter.tensor.grad();
  if (!gradient.defined() || gradient.layout() == at::kStrided) return;
  throw RunError(ExitStatus::bad_configuration,
                 "the gradient of the parameter \"" + parameter.name +
                     "\" is sparse; gradients of whole tensors are exchanged: use sparse=False");
}

/// Sees the tensors that LibTorch's operations are about to read.
class FirstReads {
 public:
  static std::unique_ptr<at::ObserverContext> on_operation(const at::RecordFunction& operation) {
    TrainingStep* const step = current_step;
    if (step == nullptr || step->used_count_ == step->used_.size()) return nullptr;
    for (const c10::IValue& input : operation.inputs()) note(*step, input);
    return nullptr;
  }

 private:
  static void note(TrainingStep& step, const c10::IValue& input) {
    if (input.isTensor()) {
      const auto tensor = step.tensors_.index_of(input.unsafeToTensorImpl());
      if (tensor) step.before_use(*tensor);
    } else if (input.isTensorList() || input.isOptionalTensorList() || input.isList()) {
      for (const c10::IValue& element : input.toListRef()) note(step, element);
    }
  }
};

TrainingStep::TrainingStep(TrainedTensors& tensors, const TensorArena& parameters, const TensorArena& gradients,
                           PassObserver* observer, bool with_buffers)
    : tensors_(tensors),
      gradients_(gradients),
      observer_(observer),
      with_buffers_(with_buffers),
      used_(gradients.tensors().size()),
      claimed_(used_.size()),
      ready_(used_.size()) {
  tensors_.bind(parameters);
  for (std::size_t i = tensors_.trained_.size(); i < used_.size(); ++i) before_use(i);
  if (error_) std::rethrow_exception(error_);
  tensors_.copy_buffers(parameters);
  tensors_.step_ = this;
  current_step = this;
  if (observer_ == nullptr) return;
  callback_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&FirstReads::on_operation).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

TrainingStep::~TrainingStep() {
  if (callback_ != 0) at::removeCallback(callback_);
  tensors_.step_ = nullptr;
  current_step = nullptr;
}

TrainingStep* TrainingStep::current() {
  return current_step;
}

// LibTorch swallows what a callback throws: it is kept until the end of the forward pass.
void TrainingStep::before_use(std::size_t tensor) {
  if (used_[tensor]) return;
  used_[tensor] = true;
  ++used_count_;
  if (observer_ == nullptr || error_) return;
  try {
    observer_->before_use(tensor);
  } catch (...) {
    error_ = std::current_exception();
  }
}

void TrainingStep::end_forward() {
  if (callback_ != 0) at::removeCallback(std::exchange(callback_, 0));
  for (std::size_t i = 0; i < used_.size(); ++i) before_use(i);
  if (error_) std::rethrow_exception(error_);
}

at::Tensor TrainingStep::claim(std::size_t tensor) {
  if (claimed_[tensor]) return {};
  claimed_[tensor] = true;
  const at::Tensor& place = gradients_.tensors()[tensor];
  // A tensor of its own, as autograd keeps a gradient without a copy only if nothing else refers to its memory.
  return at::for_blob(place.mutable_data_ptr(), place.sizes())
      .options(place.options())
      .target_device(place.device())
      .make_tensor();
}

void TrainingStep::on_gradient(std::size_t tensor) {
  at::Tensor& gradient = tensors_.trained_[tensor].tensor.mutable_grad();
  const at::Tensor& place = gradients_.tensors()[tensor];
  require_dense_gradient(tensors_.trained_[tensor]);
  if (gradient.const_data_ptr() != place.const_data_ptr()) {
    place.copy_(gradient);
    if (claimed_[tensor]) staged_bytes_ += place.nbytes();
  }
  gradient.reset();
  report(tensor);
}

void TrainingStep::report(std::size_t tensor) {
  ready_[tensor] = true;
  if (observer_ != nullptr) observer_->gradient_ready(tensor);
}

void TrainingStep::end_backward() {
  hand_over_buffers();
  for (std::size_t i = ready_.size(); i-- > 0;) {
    if (ready_[i]) continue;
    unused_.push_back(i);
    gradients_.tensors()[i].zero_();
    report(i);
  }
}

void TrainingStep::hand_over_buffers() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors_.buffers_.size(); ++i) {
    const std::size_t tensor = tensors_.trained_.size() + i;
    const at::Tensor& place = gradients_.tensors()[tensor];
    if (with_buffers_) {
      place.copy_(tensors_.buffers_[i].tensor);
    } else {
      place.zero_();
    }
    report(tensor);
  }
}

}  // namespace runnel
