// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace runnel {

/// The folder of the data that comes with Runnel: in the share/ folder of an installed tree, which is found relative to
/// this program and may have been moved; of a program in its build tree, among the sources.
std::filesystem::path default_data_folder();

}  // namespace runnel
