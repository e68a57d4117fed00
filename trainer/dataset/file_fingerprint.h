// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace runnel {

/// What tells files from others of the same name: for each, in their order, its size and the SHA-256 of its first MiB,
/// shortened. One line, without the names, which may differ from host to host. Throws `RunError` (input_missing) with
/// the path. Any thread.
std::string file_fingerprint(std::span<const std::filesystem::path> files);

}  // namespace runnel
