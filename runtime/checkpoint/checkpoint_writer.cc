// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint_writer.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>
#include <stdexcept>
#include <utility>

#include "runnel_version.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "runtime/checkpoint/tensor_part.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string program_version() {
  return std::string(kVersion) + (*kCommit == '\0' ? "" : " (" + std::string(kCommit) + ')');
}

void require_size(std::span<const float> values, std::size_t floats) {
  if (values.size() >= floats) return;
  throw std::invalid_argument("a shard of " + std::to_string(floats) + " floats has values for " +
                              std::to_string(values.size()));
}

StoredTensor stored(std::string name, std::span<const float> values) {
  return {std::move(name), ElementType::float32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(values)};
}

/// The parts of parameters and states, and the other tensors.
std::vector<StoredTensor> tensors_of(const std::vector<TensorPart>& parts, std::size_t shard_begin,
                                     const ShardValues& values) {
  std::vector<StoredTensor> tensors;
  const auto add = [&](std::string name, const TensorPart& part, std::span<const float> from) {
    const std::size_t begin = (part.layout.begin - shard_begin) / sizeof(float);
    tensors.push_back(stored(std::move(name), from.subspan(begin, part.floats())));
  };
  for (const TensorPart& part : parts) add(part.name, part, values.parameters);
  for (std::size_t i = 0; i < values.states.size(); ++i) {
    for (const TensorPart& part : parts) {
      if (part.is_optimized) add(part.state_name(i), part, values.states[i]);
    }
  }
  tensors.insert(tensors.end(), values.others.begin(), values.others.end());
  return tensors;
}

void require_different_names(const std::vector<StoredTensor>& tensors) {
  std::set<std::string_view> names;
  for (const StoredTensor& tensor : tensors) {
    if (names.insert(tensor.name).second) continue;
    throw RunError(ExitStatus::bad_configuration, "a checkpoint would have two tensors of the name \"" +
                                                      printable(tensor.name, 200) + "\"; rename the model's");
  }
}

}  // namespace

fs::path step_folder(const fs::path& directory, std::int64_t step) {
  return directory / ("step-" + std::to_string(step));
}

CheckpointWriter::CheckpointWriter(const fs::path& directory, std::int64_t step, std::string run,
                                   const BucketLayout& layout)
    : folder_(step_folder(directory, step)), step_(step), run_(std::move(run)), layout_(layout) {
  if (mkdir(folder_.c_str(), 0777) != 0 && errno != EEXIST) {
    throw WriteError(ExitStatus::cannot_create, folder_.string() + ": cannot be created: " + std::strerror(errno));
  }
  sync_folder(directory);
}

fs::path CheckpointWriter::file_of(std::size_t index) const {
  return folder_ / shard_name(index, layout_.shard_count());
}

ShardFile CheckpointWriter::write_shard(std::size_t index, const ShardValues& values) const {
  const Shard& shard = layout_.shard(index);
  const FloatCounts floats = layout_.float_counts(shard);
  require_size(values.parameters, floats.total());
  for (const std::span<const float> state : values.states) require_size(state, floats.optimized);
  const std::vector<StoredTensor> tensors =
      tensors_of(parts_of(layout_.tensors(), shard.bytes), shard.bytes.begin, values);
  require_different_names(tensors);
  const HashedFile written = write_hashed_safetensors(file_of(index), tensors, {{kRunKey, run_}});
  return {file_of(index).filename().string(), shard.bytes, written.bytes, written.header};
}

std::optional<ShardFile> CheckpointWriter::find_shard(std::size_t index) const {
  try {
    const SafetensorsFile file(file_of(index));
    const auto run = file.metadata().find(kRunKey);
    if (run == file.metadata().end() || run->second != run_) return std::nullopt;
    return ShardFile{file_of(index).filename().string(), layout_.shard(index).bytes, file.bytes(),
                     sha256(file.header())};
  } catch (const RunError&) {  // it is not there, or another run left it damaged
    return std::nullopt;
  }
}

void CheckpointWriter::write_manifest(Manifest manifest) const {
  manifest.step = step_;
  manifest.date = date_now();
  manifest.program = program_version();
  manifest.shards.clear();
  for (std::size_t i = 0; i < layout_.shard_count(); ++i) {
    const std::optional<ShardFile> shard = find_shard(i);
    if (!shard) throw RunError(ExitStatus::internal, file_of(i).string() + ": was not written by this run");
    manifest.shards.push_back(*shard);
  }
  const std::string text = to_json(manifest);
  AtomicFile file(folder_ / kManifestName);
  file.append(std::as_bytes(std::span(text)));
  file.publish_durably();
}

}  // namespace runnel
