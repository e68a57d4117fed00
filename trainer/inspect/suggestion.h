// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/inspect/file_summary.h"

/// Lines of TOML for a configuration that uses a file or a folder. Paths in them are absolute. A name that TOML cannot
/// have, because it is not UTF-8, gives a comment.
namespace runnel {

/// `[data] name = NAME` for arrays, with one as the target: one called y, label, target or class, as a whole or between
/// other words, else the last of as many samples as the first. The inputs are the others of as many samples.
std::string suggest_arrays(const std::string& name, const std::filesystem::path& path,
                           const std::vector<ArraySummary>& arrays);

/// For a table, whose last column becomes the target.
std::string suggest_table(const std::filesystem::path& path, const std::vector<std::string>& columns);

/// For tokens; `type` is that of raw ones, empty where the file has it.
std::string suggest_tokens(const std::filesystem::path& path, std::string_view type);

std::string suggest_mnist(const std::filesystem::path& folder);
std::string suggest_cifar(const std::filesystem::path& folder, int classes);

/// `[model] KEY = FILE`, for a model of the kind `name`; without a kind, for weights.
std::string suggest_model(const std::string& name, const std::string& key, const std::filesystem::path& file);

/// Whether `arrays` have a target and other arrays of as many samples: data, not weights.
bool look_like_samples(const std::vector<ArraySummary>& arrays);

}  // namespace runnel
