// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/inspect/number_range.h"

namespace runnel {

struct InspectOptions {
  std::size_t samples = 3;                 ///< to show of each array
  std::optional<ElementType> tokens = {};  ///< files hold raw tokens of this type, uint16 or uint32
};

struct ArraySummary {
  std::string name = {};
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape = {};
  std::optional<NumberRange> range = {};  ///< none for tensors of a model
  bool is_image = false;                  ///< whether a sample can be drawn (`image_layout`)

  /// The first samples: of images all numbers, else the first 16. Of tokens, which are one text, 16 each.
  std::vector<std::vector<double>> samples = {};
};

/// A tensor that a model takes or gives.
struct TensorSummary {
  std::string name = {};
  ElementType type = ElementType::float32;
  std::string shape = {};  ///< "[batch, 10]"
};

/// What is in a file or folder, in memory of its own. Names are as in the file: they may have any characters.
struct FileSummary {
  std::filesystem::path path = {};
  std::string format = {};  ///< "NumPy arrays (npz)"
  std::vector<ArraySummary> arrays = {};
  std::vector<TensorSummary> inputs = {};
  std::vector<TensorSummary> outputs = {};
  std::vector<std::vector<std::string>> rows = {};  ///< of a table: the names of its columns, then the first rows
  std::vector<std::string> notes = {};              ///< a line each
  std::string configuration = {};                   ///< lines of TOML that use it; empty: none
  std::vector<RunError> problems = {};              ///< arrays that cannot be read, while others can
};

/// Looks at a file, or at the files in a folder. Takes the memory of the largest compressed array, of a CSV file up to
/// 256 MB four times its size, and little else. Throws `RunError` as `find_format` and the readers of arrays; of a
/// folder without known files, bad_data.
FileSummary inspect(const std::filesystem::path& path, const InspectOptions& options);

/// For rooms of this folder: the summary of one array.
ArraySummary summarize(const Array& array, const InspectOptions& options);

}  // namespace runnel
