// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/element_type.h"
#include "trainer/archive/json_view.h"
#include "trainer/archive/zip_archive.h"

namespace runnel {

/// The type that `number` stands for in torch.export's schema. Throws as `number.integer()` does for unsigned integers
/// of more than 8 bits, complex numbers and the like.
ElementType read_element_type(const JsonView& number);

/// A tensor in an archive. All of its elements lie within `storage`, and there are no more than that has room for.
struct ExportedTensor {
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> sizes = {};
  std::vector<std::int64_t> strides = {};  ///< in elements, not negative
  std::int64_t offset = 0;                 ///< of the first element in the storage, in elements
  bool requires_grad = false;
  std::shared_ptr<const ZipContents> storage = {};  ///< shared by tensors that share memory
};

/// The tensors of an archive by name: a configuration (JSON) beside members with raw bytes.
class ExportedTensors {
 public:
  /// Reads the member `config`. Members with bytes are in the same folder. `archive` must outlive this object.
  ExportedTensors(const ZipArchive& archive, const std::string& config);

  /// Throws `RunError` (bad_data) with the tensor's name, also when it is pickled.
  ExportedTensor tensor(const std::string& name);

 private:
  std::shared_ptr<const ZipContents> storage_of(const JsonView& entry, const std::string& name);

  const ZipArchive& archive_;
  std::string folder_ = {};
  JsonView config_;
  std::map<std::string, std::shared_ptr<const ZipContents>> storages_;
};

/// Parses the member `name` of `archive`, within the bounds that models need.
JsonView read_json(const ZipArchive& archive, const std::string& name);

}  // namespace runnel
