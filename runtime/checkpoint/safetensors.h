// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/element_type.h"
#include "runtime/base/mapped_file.h"

/// Tensors in the safetensors format: https://github.com/huggingface/safetensors.
///
/// A little-endian 64-bit length, a JSON object of that many bytes with dtype, shape and data_offsets of each tensor,
/// then the tensors' bytes.
namespace runnel {

/// A tensor of a file: elements in row-major order, little-endian, not necessarily aligned.
struct StoredTensor {
  std::string name;
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape = {};
  std::span<const std::byte> bytes = {};
};

/// A safetensors file, mapped for reading: tensors are views of it.
///
/// The file must not be truncated while this object lives, as for `MappedFile`. Constant after construction; any
/// thread.
class SafetensorsFile {
 public:
  /// Checks everything but the values: the length of the file to the byte, the header, and that the tensors' bytes
  /// follow each other without gap or overlap, each as long as its type and shape require. A header that is very large,
  /// or nested deeper than the format's, is not parsed. Throws `RunError` with the path: as `MappedFile`, and bad_data
  /// for everything else, also for a type that is not in `ElementType`.
  explicit SafetensorsFile(const std::filesystem::path& file);

  /// In the order of their names.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }

  /// Null where there is none.
  const StoredTensor* find(std::string_view name) const;

  /// The texts of `__metadata__`.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The file before the tensors' bytes: the length and the JSON text.
  std::span<const std::byte> header() const { return header_; }

  /// Bytes of the whole file.
  std::uint64_t bytes() const { return file_.bytes().size(); }

 private:
  MappedFile file_;
  std::span<const std::byte> header_;
  std::map<std::string, std::string> metadata_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace runnel
