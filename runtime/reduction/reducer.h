// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/reduction/sum_tree.h"
#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Sums the trainers' gradients and makes the optimizer's step in the same pass over memory.
///
/// Of tensors that are averaged, a gradient holds a trainer's values instead. Their mean is the new parameter, whatever
/// optimizer.reduce says: equal values, also infinite ones, stay as they are to the last bit. With `BufferRule::first`
/// it is their sum, as all but the first seat's are zeros. Neither the optimizer nor clipping sees them.
///
/// The result is the same, bit for bit, for every bucket size and order of buckets, on the host with any number of
/// threads and on a device: gradients are added element by element in the tree of seats, of which a trainer's gradient
/// is a subtree already; the norm for clipping is summed over fixed blocks in their order. A step allocates nothing.
/// Thread: the one that made it.
class Reducer {
 public:
  virtual ~Reducer() = default;

  /// Begins step `step` (from 1) with learning rate `lr`: from the parameters `in` to the parameters `out`, which do
  /// not overlap. `gradients[i]` is the start of share i's whole gradient. All of this, the array of pointers too,
  /// stays valid until the step is complete.
  virtual void begin_step(double lr, std::int64_t step, const float* in, float* out,
                          std::span<const float* const> gradients);

  /// Adds up one bucket of all gradients, and makes its new parameters unless clipping is on and the bucket is of the
  /// optimizer. All of a bucket has one rule. Each bucket is reduced once in a step, in any order. Whether it is
  /// complete on return depends on the implementation.
  virtual void reduce(ByteRange bucket) = 0;

  /// Whether the parameters change only at the end of a step, because the norm of the whole gradient must be known.
  bool clips() const { return clip_norm_ > 0; }

  /// Ends the step, all buckets of which are reduced. With clipping, this is where the update happens.
  virtual void finish_step() = 0;

  /// Index of the first parameter of the finished step that is infinite or not a number, of the optimizer's. Nothing
  /// when all are finite, and on a device, which does not look: there the next loss shows it, or the check of
  /// parameters before they are saved.
  virtual std::optional<std::size_t> first_nonfinite() const = 0;

  /// What the optimizer keeps between steps, in the order of `optimizer_states` (config): a value each for those of its
  /// parameters. To be read and written between steps; on a device, addresses for that.
  virtual std::span<const std::span<float>> states() const = 0;

 protected:
  /// A gradient is one share of `tree`, and a mean is over its seats.
  Reducer(FloatCounts floats, const OptimizerConfig& config, SumTree tree, BufferRule buffers);

  /// Whether `bucket` is averaged.
  bool averages(ByteRange bucket) const;

  /// Whether averaged tensors are the mean of the gradients, and not their sum.
  bool takes_mean() const { return buffers_ == BufferRule::average; }

  FloatCounts floats_;
  SumTree tree_;
  float share_;  // of the sum that is the reduced gradient
  double clip_norm_;
  std::unique_ptr<UpdateRule> rule_;

  // Of the step.
  const float* in_ = nullptr;
  float* out_ = nullptr;
  std::span<const float* const> gradients_;

 private:
  BufferRule buffers_;
};

/// The reducer for a buffer of `floats`: on `device`, in the order of `stream`, or on the host when both are null.
/// Device and stream outlive it. `states`: as of `HostReducer`; on a device, nothing.
std::unique_ptr<Reducer> make_reducer(const Config& config, FloatCounts floats, Device* device, DeviceStream* stream,
                                      std::vector<std::span<float>> states = {});

}  // namespace runnel
