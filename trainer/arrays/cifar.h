// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "trainer/arrays/array.h"

namespace runnel {

enum class Cifar { ten, hundred };

/// The binary version of CIFAR-10 or CIFAR-100, several files as one data set: "image", uint8 [n, 3, 32, 32]; "label",
/// uint8 [n]; and of CIFAR-100 "coarse", uint8 [n], the superclasses. All in memory.
///
/// A file is a sequence of records: the label, which CIFAR-100 has the superclass before, then 3072 bytes of pixels,
/// red first. Source: https://www.cs.toronto.edu/~kriz/cifar.html. Throws `RunError` with the path: input_missing when
/// a file cannot be opened, bad_data when its length is not that of whole records, one at least, or when a label is too
/// large.
std::vector<Array> read_cifar(std::span<const std::filesystem::path> files, Cifar kind);

/// The same without the elements: shapes from the lengths of the files, and nothing is read.
std::vector<Array> read_cifar_headers(std::span<const std::filesystem::path> files, Cifar kind);

}  // namespace runnel
