// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "trainer/model/model.h"

namespace runnel {

/// The model in `file`, an archive of torch.export (.pt2): its inputs are the batch's first fields. Throws `RunError`
/// as `ExportedModel`, and 78 where `file` is empty.
std::unique_ptr<Model> make_exported(const std::string& file);

}  // namespace runnel
