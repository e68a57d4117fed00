// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// A name as it stands in the path of a key and in the name of an option: "lr", or in quotes where it is no bare key of
/// TOML: "\"house class\"". Any thread.
std::string toml_key(std::string_view name);

}  // namespace runnel
