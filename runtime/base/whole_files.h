// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace runnel {

/// Throws `RunError` (bad_data) with path, expected and found size when a file that is mapped (`MappedFile`) has become
/// shorter since: within its last page there is no signal, but what was read from it may have been zeros. A file that
/// was replaced or removed stays as it was. Any thread.
void require_whole_files();

}  // namespace runnel
