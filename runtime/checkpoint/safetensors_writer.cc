// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/safetensors_writer.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "runtime/base/atomic_file.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;
using Order = std::vector<const StoredTensor*>;
using Metadata = std::map<std::string, std::string>;

constexpr std::size_t kAlignment = 8;

/// Of a tensor, at a time: hashed, and written while it is still in the second-level cache.
constexpr std::size_t kChunkBytes = 512 << 10;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Order order_of(std::span<const StoredTensor> tensors) {
  Order order;
  for (const StoredTensor& tensor : tensors) order.push_back(&tensor);
  std::ranges::stable_sort(order, std::greater(), [](const StoredTensor* tensor) { return bytes_of(tensor->type); });
  return order;
}

/// Length and JSON text.
std::string header_of(const Order& order, const Metadata& metadata) {
  Json entries = Json::object();
  // Not by key: that would look for it among all entries.
  auto& header = entries.get_ref<Json::object_t&>();
  Json texts = {{"format", "pt"}};
  for (const auto& [key, value] : metadata) texts.get_ref<Json::object_t&>().emplace_back(key, value);
  header.emplace_back("__metadata__", std::move(texts));
  std::size_t end = 0;
  for (const StoredTensor* tensor : order) {
    const std::size_t begin = std::exchange(end, end + tensor->bytes.size());
    header.emplace_back(
        tensor->name,
        Json{{"dtype", dtype_of(tensor->type)}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}});
  }
  std::string text = entries.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');  // the data begin aligned
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

/// Appends the tensor's bytes to `file`.
Sha256 append_hashed(AtomicFile& file, std::span<const std::byte> bytes) {
  Sha256Stream stream;
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kChunkBytes));
    stream.append(chunk);
    file.append(chunk);
    bytes = bytes.subspan(chunk.size());
  }
  return stream.finish();
}

}  // namespace

std::string digest_key(std::string_view tensor) {
  return "sha256 " + std::string(tensor);
}

void write_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                       const Metadata& metadata) {
  const Order order = order_of(tensors);
  AtomicFile replacement(file);
  replacement.append(bytes_of(header_of(order, metadata)));
  for (const StoredTensor* tensor : order) replacement.append(tensor->bytes);
  replacement.publish_durably();
}

HashedFile write_hashed_safetensors(const std::filesystem::path& file, std::span<const StoredTensor> tensors,
                                    const Metadata& metadata) {
  const Order order = order_of(tensors);
  Metadata hashed = metadata;
  for (const StoredTensor* tensor : order) hashed[digest_key(tensor->name)] = to_hex({});
  AtomicFile replacement(file);
  // All digests have one length, so this header takes the place of the final one.
  const std::size_t header_bytes = header_of(order, hashed).size();
  replacement.append(bytes_of(std::string(header_bytes, ' ')));
  HashedFile written{.bytes = header_bytes};
  for (const StoredTensor* tensor : order) {
    hashed[digest_key(tensor->name)] = to_hex(append_hashed(replacement, tensor->bytes));
    written.bytes += tensor->bytes.size();
  }
  const std::string header = header_of(order, hashed);
  written.header = sha256(bytes_of(header));
  replacement.overwrite(0, bytes_of(header));
  replacement.publish_durably();
  return written;
}

}  // namespace runnel
