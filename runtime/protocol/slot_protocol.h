// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The protocol of a step as plain state machines: which slot, which buffer, what may be touched when. No UCX, no MPI,
/// no clock, so that a simulator can drive it through any order of events
/// (tests/runtime/protocol/slot_protocol_test.cc).
///
/// Each generator has a protocol of its own with every trainer, about the buckets of its shard. Trainers hand over the
/// last bucket first, because backward finishes the last layers first; once a generator has them all, it reduces the
/// first ones first, because the next forward pass begins with those. So what is ready is always a part from the front
/// and a part from the back, and a bell word needs two counts. runtime/README.md, "A step", draws the whole exchange.
namespace runnel {

/// What a bell says: of the buckets of `number`, the first `front` and the last `back` are ready.
///
/// Trainer to generator: number = step, buckets whose gradients lie in the slot, all of them counted from the back.
/// Generator to trainer: number = version, buckets whose parameters lie in the buffer. Words only grow, so a late or
/// doubled ring has no effect.
struct BellWord {
  static constexpr int kNumberBits = 36;
  static constexpr int kBucketBits = 14;

  std::uint64_t number = 0;  ///< step or version, < 2^36
  std::uint32_t front = 0;   ///< < 2^14
  std::uint32_t back = 0;    ///< < 2^14

  std::uint64_t encode() const;
  static BellWord decode(std::uint64_t word);

  /// Whether bucket `bucket` of `buckets` is ready.
  bool has(std::uint32_t bucket, std::uint32_t buckets) const { return bucket < front || buckets - bucket <= back; }
  bool has_all(std::uint32_t buckets) const { return front + back >= buckets; }

  friend bool operator==(const BellWord&, const BellWord&) = default;
};

/// A bell word in a message: "0x…", 16 digits.
std::string hex_of_word(std::uint64_t word);

/// What a generator rings at trainers when it has everything and the run is over: above every version.
inline constexpr BellWord kEndOfRun{.number = (std::uint64_t{1} << BellWord::kNumberBits) - 1, .front = 0, .back = 0};

/// Most buckets of one generator that a bell word can count.
inline constexpr std::uint32_t kMaxBuckets = (1U << BellWord::kBucketBits) - 1;

/// Slots per trainer, and parameter buffers of the generator: with two, step k+1 may begin before the memory of step k
/// is free.
inline constexpr int kSlots = 2;
inline constexpr int kParameterBuffers = 2;

constexpr int slot_of_step(std::uint64_t step) {
  return static_cast<int>(step % kSlots);
}
constexpr int buffer_of_version(std::uint64_t version) {
  return static_cast<int>(version % kParameterBuffers);
}

/// A generator's side. Version v is the parameters after v steps; step v turns version v into version v+1.
class GeneratorProtocol {
 public:
  enum class Ring {
    news,       ///< more buckets have arrived
    stale,      ///< late or doubled: no effect
    violation,  ///< a step or a count that a correct trainer cannot ring
  };

  /// A run begins with version `first`, which step `first` turns into the next one.
  GeneratorProtocol(int trainers, std::uint32_t buckets, std::uint64_t first = 0);

  /// Takes a word that a trainer rang.
  Ring on_bell(int trainer, std::uint64_t word);

  /// The bucket to reduce now: handed over by all trainers and not reduced yet. Empty: wait for a bell.
  std::optional<std::uint32_t> next_bucket() const;

  /// `next_bucket()` has been reduced, and its new parameters are in the buffer.
  void reduced();

  /// Every bucket of the current step is reduced; `end_step()` is next.
  bool step_complete() const { return ready_.has_all(buckets_); }

  /// Whether a bucket of the current step is reduced.
  bool step_begun() const { return ready_.front + ready_.back > 0; }

  /// The next step begins: with what is complete, version `version()` + 1 becomes `version()`.
  void end_step();

  /// The word to ring at every trainer: the buckets that are ready, of the version that the current step makes or,
  /// where it has none yet, all of the current version.
  std::uint64_t version_word() const;

  std::uint64_t step() const { return step_; }
  std::uint64_t version() const { return step_; }

  /// The first trainer, in order, that has not handed over everything of this step, with what is there.
  std::optional<int> first_awaited() const;

 private:
  std::uint32_t handed_by_all() const;

  std::uint32_t buckets_;
  std::uint64_t step_;
  BellWord ready_;                     // of the version that the current step makes
  std::vector<std::uint32_t> handed_;  // of the current step, from the back, per trainer
};

/// One trainer's side, of its exchange with one generator.
class TrainerProtocol {
 public:
  explicit TrainerProtocol(std::uint32_t buckets, std::uint64_t first = 0);

  /// Takes a word that the generator rang; stale words have no effect.
  void on_bell(std::uint64_t word);

  /// A bucket of the version that the current step computes with is in the generator's buffer.
  bool parameters_ready(std::uint32_t bucket) const;
  bool all_parameters_ready() const;

  /// All gradients of the current step are computed, and go to the generator: the next step begins. Only with
  /// `all_parameters_ready()`.
  void end_step();

  std::uint64_t step() const { return step_; }

 private:
  std::uint32_t buckets_;
  std::uint64_t step_;
  BellWord published_;
};

}  // namespace runnel
