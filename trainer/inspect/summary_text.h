// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "trainer/inspect/array_images.h"
#include "trainer/inspect/file_summary.h"

namespace runnel {

/// A summary for people, with names made printable. Ends with a line end.
std::string summary_text(const FileSummary& summary, Drawing drawing);

}  // namespace runnel
