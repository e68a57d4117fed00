// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "trainer/model/model.h"

namespace torch::jit {
struct Module;
}

namespace runnel {

/// A model from a TorchScript archive (.pt), whose `forward` LibTorch interprets under autograd. Its inputs are the
/// batch's first fields, one for each argument that has no default.
///
/// A pass has the bits that the module has in PyTorch of the same version. Such a file is a program: load it only if
/// its author may run code on this machine. Random numbers come from LibTorch's default generator. Thread: one at a
/// time.
class TorchScriptModel final : public Model {
 public:
  /// Reads `file` and puts its tensors on `device`. In training at first. Throws `RunError`: input_missing when the
  /// file cannot be opened; bad_data for a damaged file, another kind of file, and for what LibTorch cannot load;
  /// bad_configuration as `require_supported`.
  explicit TorchScriptModel(const std::filesystem::path& file, c10::Device device = c10::kCPU);
  ~TorchScriptModel() override;

  /// All parameters, in the file's order. One that the module has under several names is one tensor.
  std::vector<NamedTensor> parameters() override { return parameters_; }

  /// All other tensors that modules hold as attributes: the file does not tell those that state_dict leaves out.
  std::vector<NamedTensor> buffers() override { return buffers_; }

  /// In a file that was saved in training mode, modules that are in evaluation mode, such as a frozen BatchNorm, stay
  /// there. In evaluation, buffers have their values back after each pass, whatever it writes to them.
  void set_training(bool training) override;

  /// Throws `RunError`: bad_configuration for a batch with too few fields; bad_data, with the line in the model's
  /// source, for an operation that fails, an exception of the script, or a parameter that it writes to. Runs the hooks
  /// that the file has, as Python does. Throws
  /// `c10::OutOfMemoryError`.
  std::vector<at::Tensor> forward(const Batch& batch) override;

 private:
  c10::IValue interpret(std::vector<c10::IValue> inputs);
  void require_unwritten(const std::vector<std::int64_t>& versions) const;
  [[noreturn]] void refuse_write(const NamedTensor& parameter) const;

  std::filesystem::path file_;
  std::unique_ptr<torch::jit::Module> module_;
  std::vector<torch::jit::Module> switched_;  // by set_training
  std::vector<NamedTensor> parameters_, buffers_;
  std::size_t inputs_ = 0;
  bool training_ = true;
  std::array<bool, 2> watched_ = {};  ///< whether a pass in training, and one in evaluation, has been watched
};

}  // namespace runnel
