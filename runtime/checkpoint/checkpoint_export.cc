// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint_export.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "runtime/checkpoint/safetensors_writer.h"

namespace runnel {

void export_weights(const Checkpoint& checkpoint, const std::filesystem::path& file) {
  std::vector<std::vector<float>> joined;  // of tensors that lie in several shards
  std::vector<StoredTensor> tensors;
  auto place = checkpoint.places().begin();
  const auto bytes_of = [&](const CheckpointTensor& tensor) -> std::span<const std::byte> {
    if (!tensor.rule) return checkpoint.other(tensor.names.front())->bytes;
    const ByteRange range = (place++)->bytes;
    if (const auto view = checkpoint.view_parameters(range)) return *view;
    joined.emplace_back(range.size() / sizeof(float));
    checkpoint.read_parameters(range, joined.back());
    return std::as_bytes(std::span(joined.back()));
  };
  for (const CheckpointTensor& tensor : checkpoint.manifest().tensors) {
    const std::span<const std::byte> bytes = bytes_of(tensor);
    for (const std::string& name : tensor.names) tensors.push_back({name, tensor.type, tensor.shape, bytes});
  }
  write_safetensors(file, tensors);
}

}  // namespace runnel
