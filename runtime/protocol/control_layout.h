// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "runtime/protocol/score.h"
#include "runtime/protocol/slot_protocol.h"
#include "transport/path_probe.h"
#include "transport/slab.h"

/// Where bells and records lie in the control slabs. Both sides compute the same offsets; README.md has the
/// table. Control slabs are host memory even when tensors are not.
namespace runnel {

/// What a trainer's slot holds in a step: its gradients; or what is to take the place of what the generators have, the
/// parameters or, from `kFirstState` on, one of the optimizer's states.
struct SlotContent {
  static constexpr std::uint64_t kGradients = 0;
  static constexpr std::uint64_t kParameters = 1;
  static constexpr std::uint64_t kFirstState = 2;
};

/// A trainer's record of a step, sent with its gradients. Times are of the trainer's steady clock.
struct StepRecord {
  std::uint64_t step;
  std::uint64_t samples;
  double loss;                       ///< mean over `batches` of the mean over each; 0 without any
  std::int64_t gradient_ready_ns;    ///< backward of this step has ended
  std::int64_t parameters_ready_ns;  ///< the parameters that this step computed with were usable
  std::int64_t exposed_ns;           ///< waited for them, after the backward pass before
  std::uint64_t staged_bytes;        ///< of gradients that were copied into the slot instead of computed there
  std::uint32_t batches;             ///< that are not empty: at most one a seat
  std::uint32_t nonfinite_seat;      ///< 1 + index among its seats of the first whose loss is not finite; 0: none
  std::int64_t data_ns;              ///< waited for the batches of this step
  double lr;                         ///< of the step, where trainers decide it
  std::uint64_t leaving;             ///< 1: it hands over zeros, as it has made its last step; else 0
  std::uint64_t content;             ///< `SlotContent`
  std::uint64_t optimizer_steps;     ///< where that is not gradients: how many the optimizer has made then, < 2^53
  std::uint64_t digest;              ///< of what the slot holds; 0: gradients, or values that may differ in trainers
  std::uint64_t reserved[2];         ///< 0
};

/// A trainer's record of its part of an evaluation. The run's last one also closes the last step.
struct EvaluationRecord {
  std::uint64_t version;
  std::int64_t parameters_ready_ns;
  std::int64_t exposed_ns;
  Score score;
  std::uint64_t reserved[2];  ///< 0
};

/// Every control slab begins with its owner's park word.
inline constexpr std::size_t kParkOffset = 0;

static_assert(sizeof(StepRecord) == 2 * kLineBytes && std::is_trivially_copyable_v<StepRecord>);
static_assert(sizeof(EvaluationRecord) == 2 * kLineBytes && std::is_trivially_copyable_v<EvaluationRecord>);

/// A generator's control slab: the park word, the bell that the lead generator rings, then for every trainer three
/// bells, three records and the area that its path probe writes and reads.
struct GeneratorControl {
  static constexpr std::size_t kLeadBell = kLineBytes;
  static constexpr std::size_t kFirst = 2 * kLineBytes;
  static constexpr std::size_t kPerTrainer =
      3 * kLineBytes + kSlots * sizeof(StepRecord) + sizeof(EvaluationRecord) + PathProbe::kProbeBytes;

  static constexpr std::size_t base(int trainer) { return kFirst + static_cast<std::size_t>(trainer) * kPerTrainer; }
  static constexpr std::size_t hello_bell(int trainer) { return base(trainer); }
  static constexpr std::size_t gradient_bell(int trainer) { return base(trainer) + kLineBytes; }
  static constexpr std::size_t evaluation_bell(int trainer) { return base(trainer) + 2 * kLineBytes; }
  static constexpr std::size_t step_record(int trainer, int slot) {
    return base(trainer) + 3 * kLineBytes + static_cast<std::size_t>(slot) * sizeof(StepRecord);
  }
  static constexpr std::size_t evaluation_record(int trainer) {
    return base(trainer) + 3 * kLineBytes + kSlots * sizeof(StepRecord);
  }
  static constexpr std::size_t probe_area(int trainer) { return evaluation_record(trainer) + sizeof(EvaluationRecord); }
  static constexpr std::size_t bytes(int trainers) { return base(trainers); }
};

/// A trainer's control slab: the park word, its own records, as sources of puts, one for each that may be under way,
/// then for every generator two bells, and the trainer's end of the path probe. The first trainer's ends with the state
/// that the lead generator collects.
struct TrainerControl {
  static constexpr std::size_t step_record(int slot) {
    return kLineBytes + static_cast<std::size_t>(slot) * sizeof(StepRecord);
  }
  static constexpr std::size_t kEvaluationRecord = kLineBytes + kSlots * sizeof(StepRecord);
  static constexpr std::size_t kFirst = kEvaluationRecord + sizeof(EvaluationRecord);
  static constexpr std::size_t kPerGenerator = 2 * kLineBytes + PathProbe::kProbeBytes;

  static constexpr std::size_t hello_bell(int generator) {
    return kFirst + static_cast<std::size_t>(generator) * kPerGenerator;
  }
  static constexpr std::size_t version_bell(int generator) { return hello_bell(generator) + kLineBytes; }
  static constexpr std::size_t probe_area(int generator) { return hello_bell(generator) + 2 * kLineBytes; }
  /// Of the state with `version`: two alternate, as parameters do.
  static constexpr std::size_t state(int generators, std::uint64_t version, std::size_t state_bytes) {
    return hello_bell(generators) + static_cast<std::size_t>(buffer_of_version(version)) * state_bytes;
  }
  static constexpr std::size_t bytes(int generators, std::size_t state_bytes = 0) {
    return hello_bell(generators) + kParameterBuffers * state_bytes;
  }
};

}  // namespace runnel
