// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <string>

namespace torch::jit {
struct Module;
}

namespace runnel {

/// Checks what `module`, read from `file`, may do in its passes on `device`, hooks included; runs nothing. Returns the
/// number of tensors that its `forward` takes: arguments with a default are left to it.
///
/// Throws `RunError` (bad_configuration) with the file, the module and its line in the source, and with the remedy:
/// - `forward` is missing, takes something else than tensors, or returns something else than tensors or a tuple of them
/// - it has no parameters, as after torch.jit.freeze
/// - dropout or a normalization whose training switch is a constant, as torch.jit.trace leaves it. One that is off in
///   both states is allowed: dropout of nothing, and a normalization without statistics
/// - a constant device other than `device`
/// - tensors that are assigned to attributes, which an exchange would not see
/// - torch.jit.fork, whose reads of parameters would not be seen
std::size_t require_supported(const torch::jit::Module& module, const std::string& file, c10::Device device);

}  // namespace runnel
