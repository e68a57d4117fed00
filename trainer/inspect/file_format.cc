// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/file_format.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/foreign_format.h"
#include "runtime/base/mapped_file.h"
#include "runtime/base/run_error.h"
#include "trainer/archive/archive_kind.h"
#include "trainer/archive/zip_archive.h"
#include "trainer/arrays/gzip_stream.h"
#include "trainer/arrays/npy.h"

namespace runnel {
namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found) {
  throw RunError(ExitStatus::bad_data, path.string() + ": expected arrays or a model, found " + found);
}

bool begins_as_idx(Bytes bytes) {
  constexpr std::string_view kTypes = "\x08\x09\x0b\x0c\x0d\x0e";
  const auto byte = [&](std::size_t i) { return static_cast<char>(bytes[i]); };
  return bytes.size() > 4 && byte(0) == 0 && byte(1) == 0 && kTypes.find(byte(2)) != kTypes.npos && byte(3) > 0;
}

bool holds_idx(Bytes packed, const std::filesystem::path& path) {
  std::array<std::byte, 5> beginning{};
  GzipStream stream(packed, path.string());
  std::size_t count = 0;
  while (const std::size_t got = stream.read(std::span(beginning).subspan(count))) count += got;
  return begins_as_idx(Bytes(beginning).first(count));
}

/// Whether the bytes begin with the length of a JSON text that they hold.
bool begins_as_safetensors(Bytes bytes) {
  std::uint64_t header = 0;
  if (bytes.size() <= sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header <= bytes.size() - sizeof(header) && bytes[sizeof(header)] == std::byte{'{'};
}

FileFormat format_of_archive(const std::filesystem::path& path) {
  const ArchiveKind kind = kind_of(ZipArchive(path));
  if (kind == ArchiveKind::numpy) return FileFormat::npz;
  if (kind == ArchiveKind::torch_export) return FileFormat::exported_model;
  if (kind == ArchiveKind::torch_script) return FileFormat::torch_script;
  refuse(path, describe(kind));
}

/// Whether each record of `record_bytes` begins with a byte less than `classes`.
bool has_labels(Bytes bytes, std::size_t record_bytes, int classes) {
  constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // CIFAR's largest file has 154 MB
  if (bytes.size() % record_bytes != 0 || bytes.size() > kMostBytes) return false;
  for (std::size_t at = 0; at < bytes.size(); at += record_bytes) {
    if (static_cast<int>(bytes[at]) >= classes) return false;
  }
  return true;
}

std::optional<FileFormat> format_of_records(Bytes bytes) {
  constexpr std::size_t kPixels = 3072;
  if (has_labels(bytes, 1 + kPixels, 10)) return FileFormat::cifar10;
  if (has_labels(bytes, 2 + kPixels, 20)) return FileFormat::cifar100;
  return std::nullopt;
}

std::optional<FileFormat> format_of_content(Bytes bytes, const std::filesystem::path& path) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (begins_as_npy(bytes)) return FileFormat::npy;
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return format_of_archive(path);
  if (path.extension() == ".bin") {
    if (const auto format = format_of_records(bytes)) return format;
  }
  if (begins_as_idx(bytes)) return FileFormat::idx;
  if (begins_as_gzip(bytes) && holds_idx(bytes, path)) return FileFormat::idx;
  if (begins_as_safetensors(bytes)) return FileFormat::safetensors;
  return std::nullopt;
}

std::optional<FileFormat> format_of_extension(const std::filesystem::path& path) {
  const std::string extension = path.extension();
  if (extension == ".csv" || extension == ".tsv" || extension == ".txt") return FileFormat::csv;
  if (extension == ".npy") return FileFormat::npy;
  if (extension == ".npz") return FileFormat::npz;
  if (extension == ".safetensors") return FileFormat::safetensors;
  if (extension == ".pt2") return FileFormat::exported_model;
  return std::nullopt;
}

}  // namespace

FileFormat find_format(const std::filesystem::path& path) {
  const MappedFile file(path);
  if (file.bytes().empty()) refuse(path, "an empty file");
  if (const auto format = format_of_content(file.bytes(), path)) return *format;
  const std::string foreign = foreign_format(file.beginning(), "save arrays of numbers with numpy.savez");
  if (!foreign.empty()) refuse(path, foreign);
  if (const auto format = format_of_extension(path)) return *format;
  refuse(path,
         "none of the formats IDX, npy, npz, csv, safetensors, pt2 and CIFAR's; for raw tokens add --tokens uint16 or "
         "--tokens uint32");
}

}  // namespace runnel
