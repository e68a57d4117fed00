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
#include "trainer/model/model.h"

namespace runnel {

/// A model from an archive of torch.export (.pt2), which runs operation by operation under autograd. Its inputs are the
/// batch's first fields.
///
/// A pass has the bits that the model has in PyTorch of the same version. Sizes that the export left free, such as the
/// batch's, may differ from the export's. Random numbers come from LibTorch's default generator. Thread: one at a time.
class ExportedModel final : public Model {
 public:
  /// Type and shape of a tensor that is meant as an input.
  struct InputShape {
    at::ScalarType type = at::kFloat;
    at::IntArrayRef shape = {};
  };

  /// Reads `file` and puts its tensors on `device`. In training at first. Throws `RunError`: as `read_exported_program`
  /// and `permitted_operation`; bad_configuration with both names for a trained parameter or a buffer that shares only
  /// a part of its memory with another tensor.
  explicit ExportedModel(const std::filesystem::path& file, c10::Device device = c10::kCPU);

  /// All parameters, contiguous, in the file's order: trained ones require a gradient. Those that are one tensor in the
  /// file are one here, under each of its names.
  std::vector<NamedTensor> parameters() override { return parameters_; }

  /// The buffers of state_dict, which training passes may write to.
  std::vector<NamedTensor> buffers() override { return buffers_; }

  /// In evaluation, constants that switch dropout and normalization are off, and operations that write to buffers are
  /// left out. A switch that is off in the file stays off in training.
  void set_training(bool training) override;

  /// Throws `RunError` (bad_configuration) unless the program takes tensors of these types and shapes. The message has
  /// the first input that does not fit, its type and shape, and those that the program takes.
  void check_inputs(std::span<const InputShape> inputs) const;

  /// Throws `RunError`: as `check_inputs`; bad_data with the node and its line in the model's source for an operation
  /// that fails, or that writes to an input, a parameter, a constant or, in training, a buffer that state_dict leaves
  /// out; bad_data with the name of an output, or of a buffer's new value, that is not a tensor, or not one like the
  /// buffer.
  std::vector<at::Tensor> forward(const Batch& batch) override;

 private:
  /// What an operation that writes to earlier values writes to.
  enum class Target { unknown, temporary, buffer };

  struct Step {
    ExportedOperation operation;
    std::vector<ValueNumber> last_uses = {};  ///< values that nothing after this step reads
    Target target = Target::unknown;
  };

  /// What a buffer becomes after a training pass.
  struct Update {
    NamedTensor buffer;
    ValueNumber value = 0;
  };

  void load_states(const ExportedProgram& program, c10::Device device);
  void require_float(const ExportedState& state) const;
  void plan_steps(const ExportedProgram& program, c10::Device device);
  void run(Step& step);
  Target target_of(const Step& step) const;
  Target target_of(const Step& step, const c10::IValue& written) const;
  void note_sizes(const Batch& batch);
  void update_buffers();
  const at::Tensor& tensor_of(ValueNumber value, const char* what, const std::string& name) const;
  [[noreturn]] void refuse_input(std::size_t index, const InputShape& found) const;

  std::filesystem::path file_;
  std::vector<ExportedValue> inputs_;
  std::vector<NamedTensor> parameters_, buffers_;
  std::vector<at::Tensor> states_;         // by their place in the program
  std::vector<ValueNumber> state_values_;  // where a pass expects them
  std::vector<bool> is_buffer_;
  std::vector<std::string> transient_;  // of a buffer that is not in state_dict: what a message says of it
  std::vector<Update> updates_;
  std::vector<ExportedValue> outputs_;
  std::vector<Step> steps_;
  std::vector<c10::IValue> values_;
  std::vector<std::int64_t> sizes_;  // of the last pass's inputs
  bool training_ = true;
};

}  // namespace runnel
