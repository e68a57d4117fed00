// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// Whether `path` is a table that has keys.
bool is_known_table(std::string_view path);

/// For an error about the unknown `path`: ", did you mean 'trainer.count'?", with a similar name in the same table or
/// else one in any; empty when no name is similar.
std::string suggestion(std::string_view path);

}  // namespace runnel
