// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/checkpoint/manifest.h"

namespace runnel {

/// Whether a run that is described by `mine` can go on from the checkpoint in `folder`, which is described by `saved`.
///
/// Throws `RunError` with both values side by side: bad_data for other tensors (names, shapes, types, rules, order) and
/// for other data, bad_configuration for another optimizer, number of seats or fixed setting. Gives the free settings
/// that differ, each as "optimizer.lr: 0.1, was 0.2". The rest of the manifests may differ.
std::vector<std::string> require_same_run(const std::filesystem::path& folder, const Manifest& saved,
                                          const Manifest& mine);

}  // namespace runnel
