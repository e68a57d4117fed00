// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace runnel::test {

struct ZipText {
  std::string name;
  std::string contents;
  bool deflated = false;
};

/// A ZIP archive with `members`, in their order; with `zip64` its sizes and positions are in ZIP64 fields and records.
Bytes make_zip(const std::vector<ZipText>& members, bool zip64 = false);

}  // namespace runnel::test
