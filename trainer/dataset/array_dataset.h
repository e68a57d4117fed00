// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/config/options.h"
#include "trainer/dataset/array_source.h"
#include "trainer/dataset/dataset.h"
#include "trainer/dataset/field_reader.h"

namespace runnel {

/// Samples that are the rows of arrays. Thread: one at a time.
class ArrayDataset : public Dataset {
 public:
  struct Contents {
    std::vector<FieldReader> readers;          ///< at least one, all with as many rows, from 1 to 2^32 - 1
    std::vector<std::filesystem::path> files;  ///< that the arrays are from
  };

  explicit ArrayDataset(Contents contents);

  std::int64_t size() const override { return array(0).shape.front(); }
  const std::vector<Field>& fields() const override { return fields_; }
  void read(std::span<const std::uint32_t> samples, Batch& batch) const override;
  std::string fingerprint() const override;

 protected:
  const Array& array(std::size_t field) const { return contents_.readers[field].array(); }

 private:
  Contents contents_;
  std::vector<Field> fields_;
};

/// What to read as a data set, and how.
struct ArrayPlan {
  const Options& options;  ///< for `read_field_rule`
  const ArraySource& source;
  std::string place;  ///< how messages begin: the path
  ArrayChoice choice;
  std::vector<std::string> field_names;  ///< one for each array that `source` reads for `choice`
  Split split = Split::train;
  bool only_headers = false;  ///< then nothing but size() and fields() works
  bool scattered = false;     ///< samples will be read in random order
};

/// Throws `RunError`: as the source and `read_field_rule`; bad_data unless all arrays have as many rows, from 1 to
/// 2^32 - 1, and at least one element in each.
std::unique_ptr<Dataset> make_array_dataset(const ArrayPlan& plan);

}  // namespace runnel
