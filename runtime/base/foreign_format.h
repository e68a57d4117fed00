// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// Names the kind of a file that was given instead of one of the expected kind, from its first bytes, and what to do:
/// "a Git LFS pointer; run git lfs pull …". `convert` is the remedy for a file that can be converted. Empty when the
/// bytes are of no known kind. 64 bytes are enough.
std::string foreign_format(std::string_view beginning, std::string_view convert);

}  // namespace runnel
