// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/npz.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/archive/zip_archive.h"
#include "trainer/arrays/npy.h"

namespace runnel {
namespace {

constexpr std::string_view kSuffix = ".npy";

/// The name of the array in `member`; members that are no arrays keep theirs, and are refused when they are read.
std::string array_name(const ZipMember& member) {
  const std::string_view name = member.name;
  return std::string(name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name);
}

std::string place_of(const ZipArchive& archive, const ZipMember& member) {
  return archive.path().string() + ": member \"" + printable(member.name, 200) + "\"";
}

Array read_member(const std::shared_ptr<const ZipArchive>& archive, const ZipMember& member) {
  const std::string place = place_of(*archive, member);
  if (member.method == ZipMember::kStored) {
    return parse_npy(archive->mapped(member), place, array_name(member), archive);
  }
  const auto contents =
      std::make_shared<const ZipContents>(archive->read(member, std::numeric_limits<std::uint64_t>::max()));
  return parse_npy(contents->bytes(), place, array_name(member), contents);
}

const ZipMember& find_array(const ZipArchive& archive, const std::string& name) {
  constexpr std::size_t kShown = 300;
  if (const ZipMember* member = archive.find(name + std::string(kSuffix))) return *member;
  const std::string known = joined(archive.members(), ", ", array_name);
  throw RunError(ExitStatus::bad_data, archive.path().string() + ": expected an array \"" + printable(name, 200) +
                                           "\", found " + (known.empty() ? "none" : printable(known, kShown)));
}

}  // namespace

std::vector<Array> read_npz(const std::filesystem::path& path, const std::vector<std::string>& names) {
  const auto archive = std::make_shared<const ZipArchive>(path);
  std::vector<Array> arrays;
  for (const std::string& name : names) arrays.push_back(read_member(archive, find_array(*archive, name)));
  if (!names.empty()) return arrays;
  for (const ZipMember& member : archive->members()) arrays.push_back(read_member(archive, member));
  return arrays;
}

std::vector<Array> read_npz_headers(const std::filesystem::path& path, const std::vector<std::string>& names) {
  constexpr std::uint64_t kMostHeader = 1 << 20;  // NumPy's own take some hundred bytes
  const ZipArchive archive(path);
  std::vector<Array> arrays;
  for (const std::string& name : names) {
    const ZipMember& member = find_array(archive, name);
    const ZipContents beginning = archive.read_beginning(member, kMostHeader);
    arrays.push_back(
        parse_npy_header(beginning.bytes(), member.content_bytes, place_of(archive, member), array_name(member)));
  }
  return arrays;
}

std::vector<std::string> names_in_npz(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  std::vector<std::string> names;
  for (const ZipMember& member : archive.members()) {
    if (member.name.ends_with(kSuffix)) names.push_back(array_name(member));
  }
  return names;
}

}  // namespace runnel
