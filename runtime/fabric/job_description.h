// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "transport/deadline.h"

namespace runnel {

/// The names of tensors that a binding adds for itself begin with this. They come last, and the report's digest of the
/// parameters leaves them out.
inline constexpr std::string_view kTensorOfBinding = "runnel.";

/// What only the trainers of a job know at start, where their tensors are made by somebody else's program.
struct JobDescription {
  std::vector<BucketLayout::Tensor> tensors;
  std::vector<std::string> settings;  ///< `key=value`, as for `--set`
};

/// Collective: the first trainer's description, which it gives to all. `mine`: of a trainer; null in a generator. The
/// ranks 0 … `generators` - 1 are generators. Throws `BootstrapError`, and `FrameError` for a damaged frame.
JobDescription share_description(Bootstrap& bootstrap, const JobDescription* mine, int generators,
                                 const Deadline& deadline, const Meanwhile& meanwhile = {});

/// The configuration of such a job: the settings over defaults in which waits may be long, as nobody knows what a
/// trainer does between two steps, and a batch may be of any size. Throws `ConfigError`.
Config config_of(const JobDescription& description, int ranks, int generators);

}  // namespace runnel
