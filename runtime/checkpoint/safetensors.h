// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>

#include "runtime/protocol/bucket_layout.h"

/// Weights in the safetensors format, for exchange with PyTorch: https://github.com/huggingface/safetensors.
///
/// A little-endian 64-bit length, a JSON object of that many bytes with dtype, shape and data_offsets of each tensor,
/// then the tensors' bytes. Only F32 is read and written, because only that is trained.
namespace runnel {

/// Reads a file that holds exactly the tensors of `layout`, in any order, into `parameters`, which holds
/// `layout.float_count()` floats.
///
/// Everything is checked before a float is written: the length of the file to the byte, the header, dtype and shape of
/// each tensor, and that their bytes follow each other without gap or overlap; after it, that all floats are finite. A
/// header that is much larger than the model's, or nested deeper, is not parsed. Throws `RunError` with the path:
/// `input_missing` when the file cannot be opened, `bad_data` for everything else; a wrong shape is shown with the
/// model's.
void load_safetensors(const std::filesystem::path& file, const BucketLayout& layout, std::span<float> parameters);

/// Writes the tensors of `layout` from `parameters`. `file` holds either its old contents or all of the new ones, which
/// are on the disk on return. Throws `WriteError`.
void save_safetensors(const std::filesystem::path& file, const BucketLayout& layout, std::span<const float> parameters);

}  // namespace runnel
