// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/bootstrap/peer_group.h"
#include "runtime/checkpoint/checkpoint_folder.h"
#include "runtime/checkpoint/manifest.h"
#include "runtime/config/config.h"
#include "runtime/generator/checkpointer.h"
#include "runtime/generator/generator.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// The checkpoints of a run, at one generator: when one is due, what is in it, and what is told about it. Without
/// checkpoint.directory nothing is done. Thread: the main thread.
class RunCheckpoints {
 public:
  /// Before the run: at the lead makes and locks the folder. `description` is that of `describe_run`, and `print` shows
  /// a line to the user. The references outlive this. Throws as `CheckpointFolder`.
  RunCheckpoints(const Config& config, const BucketLayout& layout, const TrainedTensors& tensors, Manifest description,
                 bool leads, std::function<void(const std::string& line)> print);

  /// Of the run's checkpoints so far, for its report.
  struct Times {
    std::vector<double> ms;          ///< from the copy until all is on the disk
    std::vector<double> exposed_ms;  ///< ms by which the step took longer
  };
  const Times& times() const { return times_; }

  /// Before the first step: the run goes from version `first` to `last`, which is always checkpointed. Checkpoints of
  /// versions after `first`, which is not the newest then, are set aside.
  void begin(Generator& exchange, const PeerGroup& group, std::int64_t first, std::int64_t last);

  /// After each step, and its test: gives a checkpoint that has begun what belongs to it, `account` as JSON, and tells
  /// of one that has ended. Then grants a wish to end the run: throws what ends it. Throws `WriteError` where
  /// checkpoint.required says so.
  void after_step(Generator& exchange, const std::function<std::string()>& account);

  /// After the last step: waits for the last checkpoint. Throws as `after_step`.
  void finish(Generator& exchange);

  /// After a peer was lost: checkpoints the current version, where no step has changed it. Never throws.
  void save_what_is_whole(Generator& exchange, const std::function<std::string()>& account) noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  bool due(Generator& exchange, std::int64_t version);
  bool wanted(std::int64_t version) const;
  Checkpointer::Content content_of(std::span<const std::byte> state, const std::string& account) const;
  void note(Generator& exchange);
  void await_last(Generator& exchange);

  const Config& config_;
  const BucketLayout& layout_;
  const TrainedTensors& tensors_;
  Manifest description_;
  bool leads_;
  std::function<void(const std::string&)> print_;
  std::optional<CheckpointFolder> folder_;
  std::optional<Checkpointer> checkpointer_;
  std::int64_t last_ = 0;
  Clock::time_point last_begin_;
  bool concludes_ = false;  // one has begun that waits for its content
  bool ends_ = false;       // as somebody wishes, after it
  std::int64_t saved_ = 0;  // version of the latest that is on the disk; 0: none
  Times times_;
};

}  // namespace runnel
