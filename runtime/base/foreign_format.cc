// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/foreign_format.h"

#include <algorithm>
#include <array>

namespace runnel {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  std::string_view kind;
  std::string_view remedy = {};  // empty: convert it
};

constexpr std::array kFormats = {
    Format{"version https://git-lfs"sv, "a Git LFS pointer"sv, "run git lfs pull in its repository"sv},
    Format{"PK\x03\x04"sv, "a ZIP archive, as torch.save and NumPy write it"sv},
    Format{"\x80\x02"sv, "a Python pickle, as torch.save writes it"sv},
    Format{"\x1f\x8b"sv, "a gzip file"sv, "decompress it"sv},
    Format{"\x89HDF"sv, "an HDF5 file"sv},
    Format{"\x93NUMPY"sv, "a NumPy array"sv},
    Format{"GGUF"sv, "a GGUF file"sv},
    Format{"<!DOCTYPE"sv, "a web page"sv, "download the file itself"sv},
    Format{"<html"sv, "a web page"sv, "download the file itself"sv},
};

}  // namespace

std::string foreign_format(std::string_view beginning, std::string_view convert) {
  const auto found = std::ranges::find_if(kFormats, [&](const Format& f) { return beginning.starts_with(f.magic); });
  if (found == kFormats.end()) return "";
  return std::string(found->kind) + "; " + std::string(found->remedy.empty() ? convert : found->remedy);
}

}  // namespace runnel
