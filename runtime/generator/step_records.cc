// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/step_records.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "runtime/config/optimizer_states.h"

namespace runnel {
namespace {

template <class Record>
Record read_record(const Slab& slab, std::size_t offset) {
  Record record;
  std::memcpy(&record, slab.bytes().data() + offset, sizeof record);
  return record;
}

// Above, Adam's bias correction, in double precision, could not tell two steps apart.
constexpr std::uint64_t kMostOptimizerSteps = std::uint64_t{1} << 53;

/// All digits: two learning rates that differ look different.
std::string text_of(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.17g", value);
  return text.data();
}

/// The error to end with when a record that `trainer` put says `found`, where only `expected` can be right.
RunError wrong_record(const Peer& trainer, const PeerGroup& group, const std::string& found,
                      const std::string& expected) {
  return {ExitStatus::protocol_mismatch, trainer.name + " put a record of " + found + ", expected " + expected +
                                             " rank=" + std::to_string(group.self().rank) + " peer=" +
                                             std::to_string(trainer.rank) + "; start the same build on every host"};
}

}  // namespace

StepRecords::StepRecords(const Slab& control, const PeerGroup& group, const BucketLayout& layout, const Config& config,
                         const std::vector<TrainerFacts>& facts)
    : control_(control),
      group_(group),
      layout_(layout),
      seats_(deal_seats(static_cast<std::size_t>(config.trainer.seat_count()), facts.size())),
      batch_size_(static_cast<std::uint64_t>(config.trainer.batch_size)),
      facts_(facts),
      states_(optimizer_states(config.optimizer)) {}

void StepRecords::reserve(std::size_t steps) {
  timings_.exchange_ms.reserve(steps);
  timings_.exposed_ms.reserve(steps * facts_.size());
}

StepRecords::Step StepRecords::read_step(std::uint64_t step, std::int64_t published_ns) {
  Step sum;
  std::uint64_t batches = 0;
  std::int64_t last_gradient_ns = 0;
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const Peer& trainer = group_.trainer(static_cast<int>(i));
    const StepRecord record = step_record(trainer, step);
    check(record, step, trainer);
    if (record.content != SlotContent::kGradients) {
      throw wrong_record(trainer, group_, name_of_content(record.content), "gradients");
    }
    sum.samples += record.samples;
    sum.loss += record.loss * static_cast<double>(record.batches);
    batches += record.batches;
    sum.data_ns = std::max(sum.data_ns, record.data_ns);
    timings_.staged_bytes += record.staged_bytes;
    note_parameters_ready(i, record.parameters_ready_ns, record.exposed_ns);
    last_gradient_ns = std::max(last_gradient_ns, record.gradient_ready_ns - facts_[i].clock_offset_ns);
  }
  if (batches > 0) sum.loss /= static_cast<double>(batches);
  close_exchange();
  exchange_ = {.open = true, .last_gradient_ns = last_gradient_ns, .published_ns = published_ns};
  return sum;
}

StepRecords::Decision StepRecords::decision(std::uint64_t step) const {
  std::optional<Decision> decided;
  bool over = true;
  for (int index = 0; index < group_.trainers(); ++index) {
    const Peer& trainer = group_.trainer(index);
    const StepRecord record = step_record(trainer, step);
    if (record.step == step && record.leaving != 0) continue;
    over = false;
    if (record.step != step) continue;
    check(record, step, trainer);
    if (decided) {
      require_alike(decided->trainer, index, step);
      continue;
    }
    decided = {.trainer = index, .content = record.content, .lr = record.lr, .optimizer_steps = record.optimizer_steps};
  }
  if (!decided) return {.over = over};
  return *decided;
}

/// Of the trainers `first` and `second`, which are not leaving.
void StepRecords::require_alike(int first, int second, std::uint64_t step) const {
  const StepRecord one = step_record(group_.trainer(first), step);
  const StepRecord other = step_record(group_.trainer(second), step);
  const auto differ = [&](const std::string& does, const std::string& other_does, const std::string& remedy) {
    return RunError(ExitStatus::bad_configuration, "step " + std::to_string(step - adopted_) + ": " +
                                                       group_.trainer(first).name + " " + does + ", " +
                                                       group_.trainer(second).name + " " + other_does + "; " + remedy);
  };
  if (one.content != other.content) {
    throw differ("hands over " + name_of_content(one.content), name_of_content(other.content),
                 "load a state_dict in every trainer, before the same step");
  }
  if (one.lr != other.lr) {
    throw differ("makes it with learning rate " + text_of(one.lr), "with " + text_of(other.lr),
                 "set the same learning rate in every trainer");
  }
  if (one.optimizer_steps != other.optimizer_steps) {
    throw differ("loads " + name_of_content(one.content) + " of step " + std::to_string(one.optimizer_steps),
                 "of step " + std::to_string(other.optimizer_steps), "load the same file in every trainer");
  }
  if (one.digest != other.digest) {
    throw differ("loads " + name_of_content(one.content), "other values", "load the same file in every trainer");
  }
}

std::string StepRecords::name_of_content(std::uint64_t content) const {
  if (content == SlotContent::kGradients) return "gradients";
  if (content == SlotContent::kParameters) return "parameters";
  const std::uint64_t state = content - SlotContent::kFirstState;
  if (state < states_.size()) return "the optimizer's " + std::string(states_[state]);
  return "content " + std::to_string(content);
}

StepRecords::Decision StepRecords::read_adopted(std::uint64_t step) {
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const Peer& trainer = group_.trainer(static_cast<int>(i));
    const StepRecord record = step_record(trainer, step);
    check(record, step, trainer);
    note_parameters_ready(i, record.parameters_ready_ns, record.exposed_ns);
  }
  close_exchange();
  const Decision decided = decision(step);
  if (!decided.over && decided.content != SlotContent::kGradients) return decided;
  throw wrong_record(group_.trainer(decided.trainer), group_, "gradients in step " + std::to_string(step),
                     "the parameters to start from");
}

void StepRecords::check_losses(std::uint64_t step, FiniteGuard& guard) const {
  for (int index = 0; index < group_.trainers(); ++index) {
    const Peer& trainer = group_.trainer(index);
    const StepRecord record = step_record(trainer, step);
    if (std::isfinite(record.loss)) continue;
    check(record, step, trainer);
    guard.check_loss(name_of_loss(record, trainer), record.loss, step - adopted_);
  }
}

StepRecord StepRecords::step_record(const Peer& trainer, std::uint64_t step) const {
  return read_record<StepRecord>(control_, GeneratorControl::step_record(trainer.index, slot_of_step(step)));
}

std::string StepRecords::name_of_loss(const StepRecord& record, const Peer& trainer) const {
  const bool one_seat_each = seats_.back().first + 1 == seats_.size();
  if (one_seat_each || record.nonfinite_seat == 0) return trainer.name;
  const std::size_t seat = seats_of(trainer).first + record.nonfinite_seat - 1;
  return "seat " + std::to_string(seat) + " (" + trainer.name + ")";
}

Score StepRecords::read_evaluation(std::uint64_t version) {
  Score sum;
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const Peer& trainer = group_.trainer(static_cast<int>(i));
    const auto record = read_record<EvaluationRecord>(control_, GeneratorControl::evaluation_record(trainer.index));
    check(record, version, trainer);
    sum += record.score;
    note_parameters_ready(i, record.parameters_ready_ns, record.exposed_ns);
  }
  close_exchange();
  return sum;
}

void StepRecords::check(const StepRecord& record, std::uint64_t step, const Peer& trainer) const {
  const std::uint64_t most_batches = seats_of(trainer).count;
  const std::uint64_t most_samples = most_batches * batch_size_;
  const std::uint64_t most_staged = most_batches * layout_.bytes();
  if (record.step == step && record.samples <= most_samples && record.batches <= most_batches &&
      record.nonfinite_seat <= most_batches && record.staged_bytes <= most_staged) {
    check_content(record, trainer);
    return;
  }
  throw wrong_record(
      trainer, group_,
      "step " + std::to_string(record.step) + ", " + std::to_string(record.samples) + " samples in " +
          std::to_string(record.batches) + " batches, " + std::to_string(record.staged_bytes) + " staged bytes",
      "step " + std::to_string(step) + ", at most " + std::to_string(most_samples) + " samples in " +
          std::to_string(most_batches) + " batches, at most " + std::to_string(most_staged) + " staged bytes");
}

void StepRecords::check_content(const StepRecord& record, const Peer& trainer) const {
  const std::uint64_t most = SlotContent::kParameters + states_.size();
  if (record.content <= most && record.optimizer_steps < kMostOptimizerSteps) return;
  throw wrong_record(
      trainer, group_,
      name_of_content(record.content) + " after " + std::to_string(record.optimizer_steps) + " steps of the optimizer",
      "a content of at most " + std::to_string(most) + " after less than 2^53 steps");
}

void StepRecords::check(const EvaluationRecord& record, std::uint64_t version, const Peer& trainer) const {
  const auto counts = [](const Score::Sum& sum) { return sum.count >= 0; };
  const Score& score = record.score;
  if (record.version == version && score.samples >= 0 && counts(score.loss) &&
      std::ranges::all_of(score.metrics, counts))
    return;
  throw wrong_record(trainer, group_,
                     "version " + std::to_string(record.version) + ", " + std::to_string(score.samples) +
                         " samples with a loss over " + std::to_string(score.loss.count),
                     "version " + std::to_string(version) + " and no negative count");
}

void StepRecords::note_parameters_ready(std::size_t trainer, std::int64_t ready_ns, std::int64_t exposed_ns) {
  if (!exchange_.open) return;  // the first step, or reported before with a test's results
  // A trainer that never had to wait for the last of them reports no time: they were usable once they were rung.
  const std::int64_t usable_ns = ready_ns == 0 ? exchange_.published_ns : ready_ns - facts_[trainer].clock_offset_ns;
  exchange_.last_parameters_ns = std::max(exchange_.last_parameters_ns, usable_ns);
  timings_.exposed_ms.push_back(static_cast<double>(exposed_ns) * 1e-6);
}

void StepRecords::close_exchange() {
  if (!exchange_.open) return;
  timings_.exchange_ms.push_back(static_cast<double>(exchange_.last_parameters_ns - exchange_.last_gradient_ns) * 1e-6);
  exchange_ = {};
}

}  // namespace runnel
