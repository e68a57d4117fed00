// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

/// The protocol of a step as plain state machines: which slot, which buffer, what may be touched when. No UCX, no MPI,
/// no clock, so that a simulator can drive it through any order of events (tests/runtime/slot_protocol_test.cc).
///
/// Buckets are handed over in one fixed order, the last bucket first, because backward finishes the last layers first.
/// A bell word therefore needs only a count. runtime/README.md, "A step", draws the whole exchange.
namespace runnel {

/// What a bell says: `buckets` buckets of number `number` are ready.
///
/// Trainer to generator: number = step, the buckets whose gradients lie in the slot. Generator to trainer: number =
/// version, the buckets whose parameters lie in the buffer. Words only grow, so a late or doubled ring has no effect.
struct BellWord {
  static constexpr int kEpochBits = 8;
  static constexpr int kNumberBits = 36;
  static constexpr int kBucketBits = 20;

  std::uint32_t epoch = 0;    ///< membership number given by the generator, < 2^8
  std::uint64_t number = 0;   ///< step or version, < 2^36
  std::uint32_t buckets = 0;  ///< < 2^20

  std::uint64_t encode() const;
  static BellWord decode(std::uint64_t word);

  friend bool operator==(const BellWord&, const BellWord&) = default;
};

/// What the generator rings at trainers when it has everything and the run is over: above every version.
inline constexpr BellWord kEndOfRun{
    .epoch = 0, .number = (std::uint64_t{1} << BellWord::kNumberBits) - 1, .buckets = 0};

/// Most buckets that a bell word can count.
inline constexpr std::uint32_t kMostBuckets = (1U << BellWord::kBucketBits) - 1;

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

/// The bucket that is handed over as number `position` (0 is first).
constexpr std::uint32_t handed_over_as(std::uint32_t position, std::uint32_t buckets) {
  return buckets - 1 - position;
}

/// The generator's side. Version v is the parameters after v steps; step v turns version v into version v+1.
class GeneratorProtocol {
 public:
  enum class Ring {
    news,       ///< more buckets have arrived
    stale,      ///< late, doubled, or of an earlier membership epoch: no effect
    violation,  ///< a step or a count that a correct trainer cannot ring
  };

  GeneratorProtocol(int trainers, std::uint32_t buckets);

  /// Takes a word that a trainer rang.
  Ring on_bell(int trainer, std::uint64_t word);

  /// The bucket to reduce now: handed over by all trainers and not reduced yet. Empty: wait for a bell.
  std::optional<std::uint32_t> next_bucket() const;

  /// `next_bucket()` has been reduced.
  void reduced();

  /// Every bucket of the current step is reduced; `publish()` is next.
  bool step_complete() const { return reduced_ == buckets_; }

  /// Ends the step and gives the word to ring at every trainer: the whole of the new version is in its buffer.
  std::uint64_t publish();

  /// The word for the current version, to ring before the first step.
  std::uint64_t version_word() const;

  std::uint64_t step() const { return step_; }
  std::uint64_t version() const { return step_; }

  /// The first trainer, in order, that has not handed over everything of this step, with what is there.
  std::optional<int> first_awaited() const;

 private:
  std::uint32_t buckets_;
  std::uint64_t step_ = 0;
  std::uint32_t reduced_ = 0;          // of the current step, in hand-over order
  std::vector<std::uint32_t> handed_;  // of the current step, per trainer
  std::uint32_t epoch_ = 0;
};

/// One trainer's side.
class TrainerProtocol {
 public:
  explicit TrainerProtocol(std::uint32_t buckets);

  /// Takes a word that the generator rang; stale words have no effect.
  void on_bell(std::uint64_t word);

  /// The version that the current step computes with is complete in its buffer.
  bool parameters_ready() const;

  /// `count` buckets of the current step, in hand-over order, are in the slot: gives the word to ring. When all are,
  /// the next step begins.
  std::uint64_t hand_over(std::uint32_t count);

  std::uint64_t step() const { return step_; }
  int slot() const { return slot_of_step(step_); }
  int buffer() const { return buffer_of_version(step_); }

 private:
  std::uint32_t buckets_;
  std::uint64_t step_ = 0;
  BellWord published_{};
};

}  // namespace runnel
