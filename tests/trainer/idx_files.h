// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace runnel::test {

Bytes gzip(const Bytes& bytes);

/// An IDX file of `samples` images of 28x28: pixel k of all images is byte k of a fixed pseudo-random sequence.
Bytes idx_images(std::uint32_t samples);

/// An IDX file of `samples` labels: sample i has label 3i mod 10.
Bytes idx_labels(std::uint32_t samples);

/// Writes a whole data set: four plain files.
void write_idx_folder(const std::filesystem::path& folder, std::uint32_t train_samples, std::uint32_t test_samples);

}  // namespace runnel::test
