// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "trainer/run/registry.h"

namespace runnel {

/// Adds the data sets that are read from files of the user: "npy", "npz", "safetensors", "idx", "csv", "cifar" and
/// "tokens". trainer/dataset/README.md has their options.
void add_file_datasets(Registry& registry);

/// Throws `RunError` (bad_configuration) when the configuration says what the data set `name` is tested with, although
/// that has test data of its own.
void require_no_split(const Registry::DataPlan& plan, const std::string& name);

}  // namespace runnel
