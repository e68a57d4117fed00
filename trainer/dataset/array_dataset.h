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
#include "trainer/dataset/dataset.h"
#include "trainer/dataset/field_reader.h"
#include "trainer/dataset/shared_arrays.h"

namespace runnel {

/// Samples that are the rows of arrays, which several data sets may share. `read` may be called by any number of
/// threads at a time; else one.
class ArrayDataset : public Dataset {
 public:
  struct Contents {
    std::vector<FieldReader> readers;          ///< at least one, all with as many rows, from 1 to 2^32 - 1
    std::vector<std::filesystem::path> files;  ///< that the arrays are from
    SharedArrays::Arrays arrays = {};          ///< keeps them for another data set
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
  std::string place;       ///< how messages begin: the path
  SharedArrays::Arrays
      arrays;  ///< the inputs, then the target; without elements, nothing but size() and fields() works
  std::vector<std::filesystem::path> files;  ///< that they are from
  std::vector<std::string> field_names;      ///< one for each array
  bool has_target = true;
  Split split = Split::train;
  bool scattered = false;  ///< samples will be read in random order
};

/// Throws `RunError`: as `read_field_rule`; bad_data unless all arrays have as many rows, from 1 to 2^32 - 1, and at
/// least one element in each.
std::unique_ptr<Dataset> make_array_dataset(const ArrayPlan& plan);

/// Throws `RunError` (bad_data) with both places unless the samples of both have the same fields, which the types of
/// their elements give the same scale. Else as `make_array_dataset`.
void require_alike(const ArrayPlan& train, const ArrayPlan& test);

}  // namespace runnel
