// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trainer/arrays/array.h"

namespace runnel {

/// Arrays of a file that numpy.savez or numpy.savez_compressed has written: those called `names`, in that order;
/// without any, all, in the order of their names, which are those of the members without ".npy".
///
/// Stored members are mapped and not read, so that their CRC-32 is not checked; deflated ones are inflated into memory
/// and checked. Throws `RunError` as `read_npy` and `ZipArchive` do, with the path and the member; for a name that is
/// not there, with those that are.
std::vector<Array> read_npz(const std::filesystem::path& path, const std::vector<std::string>& names = {});

/// The same without the elements: types and shapes from the headers, and nothing else is read.
std::vector<Array> read_npz_headers(const std::filesystem::path& path, const std::vector<std::string>& names);

/// The names of all arrays in the file, in their order.
std::vector<std::string> names_in_npz(const std::filesystem::path& path);

}  // namespace runnel
