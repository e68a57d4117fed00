// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "trainer/dataset/array_dataset.h"

namespace runnel {

/// The MNIST images and labels, kept as the bytes of the IDX files: mapped, or in memory where they were compressed.
///
/// A folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, each plain or gzip-compressed with `.gz` appended to its name. README.md describes the
/// format. The fields are "image", float32 [1, 28, 28], and "label", int64 []. A pixel p becomes
/// (p / 255 - mean) / deviation, rounded after each operation as in PyTorch's transforms. Any thread.
class IdxDataset final : public ArrayDataset {
 public:
  static constexpr std::size_t kRows = 28;
  static constexpr std::size_t kColumns = 28;
  static constexpr std::size_t kPixels = kRows * kColumns;
  static constexpr std::size_t kClasses = 10;

  struct Settings {
    std::filesystem::path folder;
    Split split = Split::train;
    std::array<double, 2> normalize = {0.1307, 0.3081};  ///< mean and standard deviation
    bool only_size = false;  ///< reads the headers only; then nothing but size(), fields() and fingerprint() works
  };

  /// Reads both files of a split and checks them from end to end.
  ///
  /// Throws `RunError` with path, expected and found value: `input_missing` when a file is absent or cannot be opened;
  /// `bad_data` when magic, image size or length are wrong, gzip data are damaged, the counts of images and labels
  /// differ, or a label is not below `kClasses`.
  explicit IdxDataset(const Settings& settings);

  /// The `kPixels` bytes of an image, row by row.
  std::span<const std::uint8_t> image(std::size_t index) const {
    return {reinterpret_cast<const std::uint8_t*>(array(0).bytes.data()) + index * kPixels, kPixels};
  }
  std::uint8_t label(std::size_t index) const { return std::to_integer<std::uint8_t>(array(1).bytes[index]); }
};

}  // namespace runnel
