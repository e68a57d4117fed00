// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "trainer/arrays/array.h"

namespace runnel {

/// Maps the tokens of a text: an array of one dimension, at least one token, named "tokens".
///
/// A file that numpy.save has written holds its type, which is any integer. All other files are taken for raw tokens of
/// type `raw`, uint16 or uint32, as numpy's `tofile` writes them; nothing in such a file tells that it is one. Throws
/// `RunError` with the path: input_missing when the file cannot be opened, bad_data when it is empty, ends within a
/// token, or is an array of another kind, an archive, or a text.
Array read_tokens(const std::filesystem::path& path, ElementType raw);

}  // namespace runnel
