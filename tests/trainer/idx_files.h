// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace runnel::test {

using Bytes = std::vector<std::uint8_t>;

/// A folder of a test's own, gone at its end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Bytes read_bytes(const std::filesystem::path& file);
void write_bytes(const std::filesystem::path& file, const Bytes& bytes);
Bytes gzip(const Bytes& bytes);

/// An IDX file of `samples` images of 28x28: pixel k of all images is byte k of a fixed pseudo-random sequence.
Bytes idx_images(std::uint32_t samples);

/// An IDX file of `samples` labels: sample i has label 3i mod 10.
Bytes idx_labels(std::uint32_t samples);

/// Writes a whole data set: four plain files.
void write_idx_folder(const std::filesystem::path& folder, std::uint32_t train_samples, std::uint32_t test_samples);

}  // namespace runnel::test
