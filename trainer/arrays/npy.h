// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "trainer/arrays/array.h"

namespace runnel {

/// Maps a file that numpy.save has written, versions 1.0, 2.0 and 3.0, and checks its header and its length; the
/// elements are not read. Its name is that of the file without ".npy".
///
/// Source: NEP 1, and numpy/lib/format.py of NumPy 2. Throws `RunError` with the path: input_missing when the file
/// cannot be opened, bad_data when it is another kind of file, a damaged one, or an array that is not supported
/// (README.md), with the remedy.
Array read_npy(const std::filesystem::path& path);

/// The same for the contents of such a file, which `owner` keeps. `place` is how messages begin.
Array parse_npy(std::span<const std::byte> contents, const std::string& place, std::string name,
                std::shared_ptr<const void> owner);

/// The type and shape of such a file of `total_bytes`, of which `beginning` holds the header at least. Without
/// elements.
Array parse_npy_header(std::span<const std::byte> beginning, std::uint64_t total_bytes, const std::string& place,
                       std::string name);

/// Whether `contents` begin as such a file does.
bool begins_as_npy(std::span<const std::byte> contents);

}  // namespace runnel
