// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "trainer/arrays/cifar.h"
#include "trainer/dataset/array_choice.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Arrays in a file or folder. Throws `RunError` as the reader of its format. Thread: one at a time.
class ArraySource {
 public:
  virtual ~ArraySource() = default;

  virtual std::vector<std::string> names() const = 0;

  /// The arrays of `choice.all()`. With `only_headers` their elements are not read where the format allows it, and may
  /// be missing.
  virtual std::vector<Array> read(const ArrayChoice& choice, bool only_headers) const = 0;

  /// What they are called in a data set.
  virtual std::vector<std::string> field_names(const ArrayChoice& choice) const { return choice.all(); }

  /// The files that `read` reads.
  virtual std::vector<std::filesystem::path> files(const ArrayChoice& choice) const = 0;

  /// Whether all names but the target's are inputs, where nothing else is said.
  virtual bool rest_is_input() const { return false; }
};

using MakeArraySource = std::unique_ptr<ArraySource> (*)(const std::filesystem::path& path);

/// A folder with an array in each file: NAME.npy; NAME or NAME.gz.
std::unique_ptr<ArraySource> make_npy_source(const std::filesystem::path& folder);
std::unique_ptr<ArraySource> make_idx_source(const std::filesystem::path& folder);

/// A file with several arrays.
std::unique_ptr<ArraySource> make_npz_source(const std::filesystem::path& file);
std::unique_ptr<ArraySource> make_safetensors_source(const std::filesystem::path& file);

/// The columns of a table: the inputs are one array, "input" [rows, columns].
std::unique_ptr<ArraySource> make_csv_source(const std::filesystem::path& file);

/// A folder with the files of a split of CIFAR, under the names that they are published with.
std::unique_ptr<ArraySource> make_cifar_source(const std::filesystem::path& folder, Cifar kind, Split split);

}  // namespace runnel
