// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace runnel {

/// Formats that `inspect` knows.
enum class FileFormat { idx, npy, npz, csv, safetensors, exported_model, torch_script, cifar10, cifar100 };

/// The format of a file: by its first bytes and the members of an archive, else by its extension. Nothing in raw tokens
/// tells that they are some.
///
/// Throws `RunError` with the path: input_missing when it cannot be opened or is no regular file, bad_data when it is
/// empty or of no known format, with what is known of it and what to do.
FileFormat find_format(const std::filesystem::path& path);

}  // namespace runnel
