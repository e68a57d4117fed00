// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "runtime/plan/sample_range.h"

namespace runnel {

enum class Split { train, test };

/// A share of the MNIST images and labels, kept in memory as the bytes of the IDX files.
///
/// A folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, each plain or gzip-compressed with `.gz` appended to its name. README.md describes the
/// format. Constant after construction; any thread.
class IdxDataset {
 public:
  static constexpr std::size_t kRows = 28;
  static constexpr std::size_t kColumns = 28;
  static constexpr std::size_t kPixels = kRows * kColumns;
  static constexpr std::size_t kClasses = 10;

  /// Reads both files of a split, checks them from end to end, and keeps the share of part `part` of `parts`.
  ///
  /// Throws `RunError` with path, expected and found value: `input_missing` when a file is absent or cannot be opened;
  /// `bad_data` when magic, image size or length are wrong, gzip data are damaged, the counts of images and labels
  /// differ, or a label is not below `kClasses`.
  static IdxDataset load(const std::filesystem::path& folder, Split split, std::size_t part = 0, std::size_t parts = 1);

  /// Loads the shares of parts `first` … `first + count - 1`, at least one, in one pass over the files.
  static std::vector<IdxDataset> load_neighbours(const std::filesystem::path& folder, Split split, std::size_t first,
                                                 std::size_t count, std::size_t parts);

  /// Number of samples in the share.
  std::size_t size() const { return labels_.size(); }

  /// The `kPixels` bytes of an image of the share, row by row.
  std::span<const std::uint8_t> image(std::size_t index) const {
    return std::span(images_).subspan(index * kPixels, kPixels);
  }
  std::uint8_t label(std::size_t index) const { return labels_[index]; }

 private:
  IdxDataset() = default;

  std::vector<std::uint8_t> images_;
  std::vector<std::uint8_t> labels_;
};

/// The number of samples of a split, from the headers of its two files. Same errors as `IdxDataset::load`, as far as
/// the headers show them.
std::size_t count_samples(const std::filesystem::path& folder, Split split);

}  // namespace runnel
