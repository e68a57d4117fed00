// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "trainer/inspect/file_summary.h"

namespace runnel {

/// Looks at a CSV file: the columns of numbers as arrays, the first rows as texts. Of a file of more than 256 MB only
/// the rows in its first 64 MB are read, which a note says. Columns that cannot be read are problems of the summary.
/// Throws as `read_csv` for what concerns all columns, and for a file without a column of numbers.
FileSummary inspect_csv(const std::filesystem::path& path, const InspectOptions& options);

}  // namespace runnel
