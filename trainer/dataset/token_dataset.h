// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/element_type.h"
#include "trainer/arrays/array.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Windows of a text of tokens: "tokens" and "next", the same one token ahead, both int64 [context].
///
/// With a test fraction, windows that share a token with one of the test are in neither split. `read` may be called by
/// any number of threads at a time; else one.
class TokenDataset final : public Dataset {
 public:
  struct Settings {
    std::filesystem::path path;
    ElementType type = ElementType::uint16;  ///< of a raw file; a .npy has its own
    std::int64_t context = 128;
    std::int64_t stride = 128;    ///< from the beginning of a window to that of the next
    std::int64_t vocabulary = 0;  ///< all tokens are below; 0: not checked
    bool scattered = false;       ///< samples will be read in random order
    double test_fraction = 0;     ///< of the windows, the last ones, for the test; 0: both splits are the whole file
    Split split = Split::train;
  };

  /// Maps the file. Throws `RunError` with the path: as `read_tokens`, and bad_data when it has no whole window, or
  /// more than 2^32 - 1; bad_configuration as `test_samples`.
  explicit TokenDataset(const Settings& settings);

  std::int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return fields_; }

  /// With a vocabulary, throws `RunError` (bad_data) with the position of a token that is negative or not below it.
  void read(std::span<const std::uint32_t> samples, Batch& batch) const override;

  std::string fingerprint() const override;

 private:
  void choose_split();
  void check(const std::vector<std::int64_t>& window, std::int64_t begin) const;

  Settings settings_;
  Array tokens_;
  std::int64_t size_;
  std::int64_t first_ = 0;  // window
  std::vector<Field> fields_;
};

}  // namespace runnel
