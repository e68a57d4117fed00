// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "runtime/checkpoint/safetensors_writer.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw RunError(ExitStatus::bad_data, file.string() + ": " + what);
}

[[noreturn]] void refuse(const fs::path& file, const std::string& tensor, const std::string& what) {
  refuse(file, "tensor \"" + printable(tensor, 200) + "\": " + what);
}

/// The manifest of a folder that may not have one.
Manifest manifest_of(const fs::path& folder) {
  std::error_code unreadable;
  if (!fs::is_directory(folder, unreadable)) {
    throw RunError(ExitStatus::input_missing, folder.string() + ": there is no such folder");
  }
  if (!fs::exists(folder / kManifestName, unreadable)) {
    refuse(folder, std::string("has no ") + kManifestName + ": it was not finished, or is no checkpoint");
  }
  return read_manifest(folder / kManifestName);
}

std::vector<TensorPlace> places_of(const Manifest& manifest, const fs::path& folder) {
  // One bucket, as buckets are no matter here: their number must not follow from what a file says.
  constexpr std::size_t kBucketBytes = std::size_t{1} << 62;
  try {
    return BucketLayout(manifest.exchanged(), kBucketBytes).tensors();
  } catch (const std::invalid_argument& error) {
    refuse(folder / kManifestName, printable(error.what(), 300));
  }
}

/// Checks that the shards cover the layout, each by a file of the name that it has.
void check_shards(const Manifest& manifest, std::size_t layout_bytes, const fs::path& folder) {
  const fs::path file = folder / kManifestName;
  std::size_t position = 0;
  for (std::size_t i = 0; i < manifest.shards.size(); ++i) {
    const ShardFile& shard = manifest.shards[i];
    const bool is_whole = shard.layout.begin % sizeof(float) == 0 && shard.layout.end % sizeof(float) == 0;
    if (shard.layout.begin != position || shard.layout.end <= position || !is_whole) {
      refuse(file, "expected shards without gap or overlap");
    }
    if (shard.name != shard_name(i, manifest.shards.size())) refuse(file, "expected other names of the shards' files");
    position = shard.layout.end;
  }
  if (position != layout_bytes) refuse(file, "expected shards of all tensors");
}

std::string shape_text(ElementType type, const std::vector<std::int64_t>& shape) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
  return std::string(name_of(type)) + '[' + sizes + ']';
}

}  // namespace

/// A shard's file, and the parts that it has.
struct Checkpoint::File {
  File(const fs::path& file, ByteRange range, const std::vector<TensorPlace>& places)
      : path(file), layout(range), tensors(file), parts(parts_of(places, range)) {}

  fs::path path;
  ByteRange layout;
  SafetensorsFile tensors;
  std::vector<TensorPart> parts;
};

Checkpoint::Checkpoint(const fs::path& folder)
    : folder_(folder), manifest_(manifest_of(folder)), places_(places_of(manifest_, folder)) {
  check_shards(manifest_, places_.back().bytes.end, folder_);
  open_files();
}

Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

void Checkpoint::open_files() {
  std::error_code unreadable;
  bytes_ = fs::file_size(folder_ / kManifestName, unreadable);
  for (const ShardFile& shard : manifest_.shards) {
    const fs::path path = folder_ / shard.name;
    const std::uintmax_t found = fs::file_size(path, unreadable);
    if (unreadable) refuse(path, "cannot be opened: " + unreadable.message());
    if (found != shard.bytes) {
      refuse(path, "expected " + std::to_string(shard.bytes) + " bytes, found " + std::to_string(found));
    }
    files_.push_back(std::make_unique<File>(path, shard.layout, places_));
    if (sha256(files_.back()->tensors.header()) != shard.header) {
      refuse(path, "its header does not match the SHA-256 in the manifest; the file was damaged or replaced");
    }
    require_expected_tensors(files_.size() - 1);
    bytes_ += shard.bytes;
  }
}

void Checkpoint::require_expected_tensors(std::size_t index) const {
  const File& file = *files_[index];
  std::size_t expected = 0;
  const auto require = [&](const std::string& name, ElementType type, const std::vector<std::int64_t>& shape) {
    ++expected;
    const StoredTensor* found = file.tensors.find(name);
    if (found != nullptr && found->type == type && found->shape == shape) return;
    refuse(file.path, name,
           "expected " + shape_text(type, shape) + ", found " +
               (found == nullptr ? "none" : shape_text(found->type, found->shape)));
  };
  for (const TensorPart& part : file.parts) {
    const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(part.floats())};
    require(part.name, ElementType::float32, shape);
    const std::size_t states = part.is_optimized ? manifest_.states.size() : 0;
    for (std::size_t i = 0; i < states; ++i) require(part.state_name(i), ElementType::float32, shape);
  }
  for (const CheckpointTensor& tensor : manifest_.tensors) {
    if (index == 0 && !tensor.rule) require(tensor.names.front(), tensor.type, tensor.shape);
  }
  if (expected == file.tensors.tensors().size()) return;
  refuse(file.path,
         "expected " + std::to_string(expected) + " tensors, found " + std::to_string(file.tensors.tensors().size()));
}

void Checkpoint::verify(const CheckpointProgress& progress) const {
  constexpr std::size_t kChunkBytes = 4 << 20;
  std::uint64_t done = 0;
  for (const auto& file : files_) {
    for (const StoredTensor& tensor : file->tensors.tensors()) {
      if (!tensor.bytes.empty()) advise(tensor.bytes, Access::front_to_back);
      Sha256Stream stream;
      for (std::size_t at = 0; at < tensor.bytes.size(); at += kChunkBytes) {
        const auto chunk = tensor.bytes.subspan(at, std::min(kChunkBytes, tensor.bytes.size() - at));
        stream.append(chunk);
        done += chunk.size();
        if (progress) progress(done, bytes_);
      }
      const auto stated = file->tensors.metadata().find(digest_key(tensor.name));
      if (stated != file->tensors.metadata().end() && stated->second == to_hex(stream.finish())) continue;
      refuse(file->path, tensor.name, "its bytes do not match their SHA-256; the file was damaged");
    }
  }
  if (progress) progress(bytes_, bytes_);
}

template <class NameOf>
void Checkpoint::read(ByteRange range, std::span<float> to, const NameOf& name_of) const {
  if (to.size_bytes() != range.size()) throw std::invalid_argument("a range of another size than what it is read to");
  std::ranges::fill(to, 0.0F);
  for (const auto& file : files_) {
    if (overlap_of(file->layout, range).size() == 0) continue;
    for (const TensorPart& part : file->parts) {
      const ByteRange inside = overlap_of(part.layout, range);
      const std::string name = inside.size() == 0 ? "" : name_of(part);
      if (name.empty()) continue;
      const auto from = file->tensors.find(name)->bytes.subspan(inside.begin - part.layout.begin, inside.size());
      std::memcpy(std::as_writable_bytes(to).data() + (inside.begin - range.begin), from.data(), from.size());
    }
  }
}

void Checkpoint::read_parameters(ByteRange range, std::span<float> to) const {
  read(range, to, [](const TensorPart& part) { return part.name; });
}

void Checkpoint::read_state(std::size_t state, ByteRange range, std::span<float> to) const {
  read(range, to, [&](const TensorPart& part) { return part.is_optimized ? part.state_name(state) : ""; });
}

std::optional<std::span<const std::byte>> Checkpoint::view_parameters(ByteRange range) const {
  for (const auto& file : files_) {
    for (const TensorPart& part : file->parts) {
      if (part.layout.begin > range.begin || part.layout.end < range.end) continue;
      return file->tensors.find(part.name)->bytes.subspan(range.begin - part.layout.begin, range.size());
    }
  }
  return std::nullopt;
}

const StoredTensor* Checkpoint::other(const std::string& name) const {
  const auto is_it = [&](const CheckpointTensor& tensor) { return !tensor.rule && tensor.names.front() == name; };
  return std::ranges::any_of(manifest_.tensors, is_it) ? files_.front()->tensors.find(name) : nullptr;
}

}  // namespace runnel
