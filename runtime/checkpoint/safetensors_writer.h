// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/digest.h"
#include "runtime/checkpoint/safetensors.h"

namespace runnel {

/// Writes `tensors`, whose names differ: those of larger elements first, so that all are aligned, else in their order.
/// `metadata` goes into the header. `file` holds either its old contents or all of the new ones, which are on the disk
/// on return. Throws `WriteError`.
void write_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// What identifies a file to the last byte, when its header has the digests of the tensors.
struct HashedFile {
  std::uint64_t bytes = 0;
  Sha256 header = {};  ///< of `SafetensorsFile::header()`
};

/// As `write_safetensors`, and the metadata have SHA-256 of each tensor's bytes, under `digest_key`: made in the same
/// pass over memory that writes them.
HashedFile write_hashed_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                                    const std::map<std::string, std::string>& metadata = {});

/// Where the metadata have the digest of `tensor`, as `to_hex` gives it.
std::string digest_key(std::string_view tensor);

}  // namespace runnel
