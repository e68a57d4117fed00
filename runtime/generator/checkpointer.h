// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_folder.h"
#include "runtime/checkpoint/checkpoint_writer.h"
#include "runtime/checkpoint/manifest.h"
#include "runtime/config/config.h"
#include "runtime/generator/snapshot.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// Writes a generator's part of checkpoints beside the steps: a thread copies a version (`Snapshot`), then writes it.
///
/// Every generator writes its own shard. The lead waits for those of the others, which it sees in the folder, then
/// writes the manifest, which makes it a checkpoint, and removes what is too old. Thread: the main thread.
class Checkpointer {
 public:
  /// What only the lead knows about a checkpoint.
  struct Content {
    Manifest manifest;
    std::vector<StoredTensor> others;  ///< tensors that are not exchanged
    std::vector<std::vector<std::byte>> bytes_of_others;
  };

  /// What became of one.
  struct Outcome {
    std::int64_t version = 0;
    std::uint64_t bytes = 0;  ///< of this generator's shard, or all of them at the lead
    double seconds = 0;
    double exposed_ms = 0;  ///< by which the step took longer
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;
    std::optional<RunError> error = {};
  };

  /// Of generator `index`, the lead is 0. `run`: as of `CheckpointWriter`. `folder` is the lead's. `layout` and
  /// `folder` outlive this.
  Checkpointer(const CheckpointConfig& config, std::string run, const BucketLayout& layout, std::size_t index,
               std::size_t states, const CheckpointFolder* folder);

  /// Ends the thread, after what it writes now.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  bool leads() const { return index_ == 0; }

  /// Whether a checkpoint is being made. Then none can begin.
  bool busy() const { return thread_.joinable() && !done_.load(std::memory_order_acquire); }

  /// Begins that of `version`, as `Snapshot::begin`. `device`: where the arguments lie, or null.
  void begin(std::int64_t version, const float* parameters, std::span<const std::span<float>> states, Device* device);

  /// As of `Snapshot`.
  void before_change(std::uint32_t bucket) {
    if (snapshot_) snapshot_->before_change(bucket);
  }

  /// At the lead, once for each that has begun: what is written with it.
  void conclude(Content content);

  /// The checkpoint that has ended since the last call.
  std::optional<Outcome> take_outcome();

 private:
  void abandon();
  void make();
  void write();
  Content await_content();
  void await_shards(const CheckpointWriter& writer);
  void require_wanted() const;

  CheckpointConfig config_;
  std::string run_;
  const BucketLayout& layout_;
  std::size_t index_;
  const CheckpointFolder* folder_;
  std::optional<Snapshot> snapshot_;
  std::thread thread_;
  std::atomic<bool> done_ = false;
  Outcome outcome_;  // of the thread, until `done_`
  std::mutex mutex_;
  std::condition_variable concluded_;
  std::optional<Content> content_;
  bool abandoned_ = false;
};

}  // namespace runnel
