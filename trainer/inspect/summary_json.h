// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "trainer/inspect/file_summary.h"

namespace runnel {

/// Summaries for scripts: one JSON document, an array. Numbers are those of `FileSummary`; bytes in names that are not
/// UTF-8 become U+FFFD.
std::string summaries_json(const std::vector<FileSummary>& summaries);

}  // namespace runnel
