// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trainer/archive/exported_program.h"
#include "trainer/model/exported_operation.h"

namespace runnel {

/// A model from an archive of torch.export (.pt2), which runs operation by operation under autograd.
///
/// A pass has the bits that the model has in PyTorch of the same version. The batch may have another size than at the
/// export where that was exported as dynamic. Random numbers come from LibTorch's default generator. Thread: one at a
/// time.
class ExportedModel {
 public:
  struct NamedTensor {
    std::string name;  ///< that of state_dict
    at::Tensor tensor;
  };

  /// Type and shape of a tensor that is to be an input.
  struct InputShape {
    at::ScalarType type = at::kFloat;
    at::IntArrayRef shape = {};
  };

  /// Reads `file` and puts its tensors on `device`. In training at first. Throws `RunError`: as `read_exported_program`
  /// and `permitted_operation`; bad_configuration with the tensor's name for a trained parameter that is not float32 or
  /// shares only a part of its memory with another tensor, and for a model without trained parameters.
  explicit ExportedModel(const std::filesystem::path& file, c10::Device device = c10::kCPU);

  /// The trained tensors, contiguous leaves of autograd, in the file's order. Parameters that are one tensor in the
  /// file are one here, by its first name.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }

  /// The buffers of state_dict, which training passes may write to.
  const std::vector<NamedTensor>& buffers() const { return buffers_; }

  /// Parameters that the file does not train (requires_grad is false): no pass changes them.
  const std::vector<NamedTensor>& frozen() const { return frozen_; }

  /// Further names of tensors above: {"head.weight", "embedding.weight"} for tied parameters.
  const std::vector<std::pair<std::string, std::string>>& aliases() const { return aliases_; }

  /// Whether passes train. In evaluation, constants that switch dropout and normalization are off, and operations that
  /// write to buffers are left out. A switch that is off in the file stays off in training.
  void set_training(bool training);

  /// How many tensors `forward` takes.
  std::size_t input_count() const { return inputs_.size(); }

  /// Throws `RunError` (bad_configuration) unless the program takes tensors of these types and shapes: the first that
  /// does not fit, what came, and what the program takes.
  void check_inputs(std::span<const InputShape> inputs) const;

  /// The outputs of a pass. Throws as `check_inputs`; bad_data with the node and its line in the model's source for an
  /// operation that fails, or that writes to an input or a parameter.
  std::vector<at::Tensor> forward(std::span<const at::Tensor> inputs);

 private:
  /// What an operation that writes in place writes to.
  enum class Target { unknown, temporary, buffer };

  struct Step {
    ExportedOperation operation;
    std::vector<ValueNumber> last_uses = {};  ///< values that nothing after this step reads
    std::optional<ValueNumber> written = {};
    Target target = Target::unknown;
  };

  void load_states(const ExportedProgram& program, c10::Device device);
  void plan_steps(const ExportedProgram& program, c10::Device device);
  void run(Step& step);
  Target target_of(const Step& step) const;
  [[noreturn]] void refuse_input(std::size_t index, const InputShape& found) const;

  std::filesystem::path file_;
  std::vector<ExportedInput> inputs_;
  std::vector<NamedTensor> parameters_, buffers_, frozen_;
  std::vector<std::pair<std::string, std::string>> aliases_;
  std::vector<at::Tensor> states_;         // by their place in the program
  std::vector<ValueNumber> state_values_;  // where a pass expects them
  std::vector<bool> is_buffer_;
  std::vector<BufferUpdate> updates_;
  std::vector<ValueNumber> outputs_;
  std::vector<Step> steps_;
  std::vector<c10::IValue> values_;
  bool training_ = true;
};

}  // namespace runnel
