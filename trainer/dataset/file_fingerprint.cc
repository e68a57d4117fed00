// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/file_fingerprint.h"

#include <algorithm>
#include <cstddef>

#include "runtime/base/digest.h"
#include "runtime/base/joined.h"
#include "runtime/base/mapped_file.h"

namespace runnel {

std::string file_fingerprint(std::span<const std::filesystem::path> files) {
  return joined(files, ", ", [](const std::filesystem::path& path) {
    constexpr std::size_t kHashed = 1 << 20, kDigits = 16;
    const MappedFile file(path);
    const auto beginning = file.bytes().first(std::min(file.bytes().size(), kHashed));
    return std::to_string(file.bytes().size()) + " bytes sha256 " + to_hex(sha256(beginning)).substr(0, kDigits);
  });
}

}  // namespace runnel
