// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace runnel {

/// For each of `files`, in their order, its size in bytes and the first 16 hexadecimal digits of the SHA-256 of its
/// first MiB: tells files from others of the same name. One line, without the names, which may differ from host to
/// host. Throws `RunError` (input_missing) with the path. Any thread.
std::string file_fingerprint(std::span<const std::filesystem::path> files);

}  // namespace runnel
