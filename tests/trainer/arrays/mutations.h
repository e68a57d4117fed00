// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "trainer/arrays/array.h"

namespace runnel::test {

using ArrayReader = std::function<std::vector<Array>(const std::filesystem::path&)>;

/// Gives `read` 100 000 files that are one of `good` with up to four random changes. Each must be read, to arrays whose
/// bytes are all there and fit their shapes, or be refused with status 65 and one line. Allocations of 256 MiB fail.
/// Also checks that the unchanged files are read, and that more files are refused than a tenth.
void expect_robust(const std::vector<Bytes>& good, const ArrayReader& read);

}  // namespace runnel::test
