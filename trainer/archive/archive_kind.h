// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "trainer/archive/zip_archive.h"

namespace runnel {

/// What wrote an archive that holds a model or arrays.
enum class ArchiveKind { torch_export, old_torch_export, torch_script, torch_save, numpy, other };

/// The kind by the names of the archive's members; any thread.
ArchiveKind kind_of(const ZipArchive& archive);

/// For messages: "a TorchScript archive", and what to do with it where Runnel can read it or it can be converted.
std::string describe(ArchiveKind kind);

}  // namespace runnel
