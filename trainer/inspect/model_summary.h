// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "trainer/inspect/file_summary.h"

namespace runnel {

/// Looks at a model that torch.export has written: its tensors without their values, its inputs and outputs. A free
/// size is "batch" where it is that of the first input's first dimension, "?" where it follows from others. Throws as
/// `read_exported_program`.
FileSummary inspect_exported_model(const std::filesystem::path& path);

/// A TorchScript archive is a program: nothing in it is looked at.
FileSummary inspect_torch_script(const std::filesystem::path& path);

}  // namespace runnel
