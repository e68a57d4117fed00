// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "trainer/inspect/file_summary.h"

namespace runnel {

/// Looks at a folder whose files are known by their names: MNIST's four, plain or gzip; the binary version of CIFAR-10
/// or CIFAR-100, of which the first file is read; or .npy and IDX files. Throws `RunError` (bad_data) when there are
/// none, and as the readers do.
FileSummary inspect_folder(const std::filesystem::path& folder, const InspectOptions& options);

/// `array`, that of the .npy file `file`, and those of as many samples in the other .npy files of its folder; names and
/// shapes only. Files that cannot be read are left out.
std::vector<ArraySummary> arrays_beside(const std::filesystem::path& file, const Array& array);

/// Whether the four files of MNIST are in `folder`.
bool holds_mnist(const std::filesystem::path& folder);

}  // namespace runnel
