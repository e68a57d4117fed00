// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/synthetic_dataset.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/random.h"

namespace runnel {
namespace {

// Values are whole numbers times a power of two, so that no rounding depends on the machine.
constexpr int kFractionBits = 15;

/// Evenly from -1 to below 1, in units of 2^-15.
std::int32_t even(SplitMix64& random) {
  return static_cast<std::int32_t>(random.next() >> 48) - (1 << kFractionBits);
}

/// The sum of four even numbers, nearly a normal distribution: mean 0, deviation 1.155, from -4 to 4, in units of
/// 2^-15.
std::int32_t noise(SplitMix64& random) {
  const std::uint64_t bits = random.next();
  const std::uint64_t sum = (bits & 0xFFFFU) + (bits >> 16 & 0xFFFFU) + (bits >> 32 & 0xFFFFU) + (bits >> 48);
  return static_cast<std::int32_t>(sum) - (4 << kFractionBits);
}

float value_of(std::int32_t units) {
  return static_cast<float>(units) / (1 << kFractionBits);
}

/// What the three kinds have in common.
class Synthetic : public Dataset {
 public:
  std::int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return fields_; }

 protected:
  Synthetic(const Options& options, Split split, std::vector<Field> fields)
      : fields_(std::move(fields)),
        split_(split),
        seed_(static_cast<std::uint64_t>(options.integer("seed", 1, {.min = 0}))) {
    constexpr OptionRange<std::int64_t> kSamples = {.min = 1, .max = 0xFFFFFFFF};
    const std::int64_t train = options.integer("samples", 50'000, kSamples);
    const std::int64_t test = options.integer("test_samples", 10'000, kSamples);
    size_ = split == Split::train ? train : test;
  }

  /// What sample `index` of the split is drawn from.
  SplitMix64 random_of_sample(std::uint32_t index) const {
    return SplitMix64(derived_seed(seed_, RandomStream::sample, static_cast<std::uint64_t>(split_), index));
  }

  /// What part `index` of the rule that is to be learned is drawn from.
  SplitMix64 random_of_rule(std::int64_t index) const {
    return SplitMix64(derived_seed(seed_, RandomStream::rule, 0, static_cast<std::uint64_t>(index)));
  }

 private:
  std::vector<Field> fields_;
  Split split_;
  std::uint64_t seed_;
  std::int64_t size_;
};

std::vector<std::int64_t> shape_of(const Options& options, const std::vector<std::int64_t>& otherwise) {
  constexpr std::int64_t kMostValues = 1 << 28;
  std::vector<std::int64_t> shape = options.integers("shape", otherwise, {.min = 1, .max = kMostValues});
  std::int64_t values = 1;
  for (const std::int64_t size : shape) {
    if (size > kMostValues / values) options.fail("shape", "at most 2^28 values in a sample");
    values *= size;
  }
  return shape;
}

std::int64_t values_in(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// A pattern for each class, in which kRun neighbours are equal, plus noise on every value.
class Classes final : public Synthetic {
 public:
  Classes(const Options& options, Split split)
      : Synthetic(options, split,
                  {{.name = "image", .type = at::kFloat, .shape = shape_of(options, {3, 32, 32})},
                   {.name = "label", .type = at::kLong, .shape = {}}}),
        values_(values_in(fields()[0].shape)),
        classes_(static_cast<std::uint32_t>(options.integer("classes", 10, {.min = 1, .max = 1 << 20}))) {}

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    auto* values = batch.fields[0].mutable_data_ptr<float>();
    auto* labels = batch.fields[1].mutable_data_ptr<std::int64_t>();
    for (const std::uint32_t index : samples) {
      SplitMix64 random = random_of_sample(index);
      const std::int64_t label = random.below(classes_);
      *labels++ = label;
      SplitMix64 pattern = random_of_rule(label);
      for (std::int64_t left = values_; left > 0; left -= kRun) {
        const std::int32_t mean = even(pattern);
        for (std::int64_t i = std::min(left, kRun); i > 0; --i) *values++ = value_of(mean + noise(random));
      }
    }
  }

 private:
  static constexpr std::int64_t kRun = 8;  // else convolutions find nothing to learn

  std::int64_t values_;
  std::uint32_t classes_;
};

/// Each token has one successor, which follows it in seven of eight cases; in the eighth any token does.
class Tokens final : public Synthetic {
 public:
  Tokens(const Options& options, Split split)
      : Synthetic(options, split, fields_of(options)), context_(fields()[0].shape[0]) {
    successors_.resize(static_cast<std::size_t>(options.integer("vocabulary", 256, {.min = 2, .max = 1 << 20})));
    std::iota(successors_.begin(), successors_.end(), 0U);
    SplitMix64 random = random_of_rule(0);
    for (auto left = static_cast<std::uint32_t>(successors_.size()); left > 1; --left) {
      std::swap(successors_[left - 1], successors_[random.below(left)]);
    }
  }

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    auto* tokens = batch.fields[0].mutable_data_ptr<std::int64_t>();
    auto* next = batch.fields[1].mutable_data_ptr<std::int64_t>();
    const auto vocabulary = static_cast<std::uint32_t>(successors_.size());
    for (const std::uint32_t index : samples) {
      SplitMix64 random = random_of_sample(index);
      std::uint32_t token = random.below(vocabulary);
      for (std::int64_t i = 0; i < context_; ++i) {
        *tokens++ = token;
        token = random.below(8) == 0 ? random.below(vocabulary) : successors_[token];
        *next++ = token;
      }
    }
  }

 private:
  static std::vector<Field> fields_of(const Options& options) {
    const std::int64_t context = options.integer("context", 128, {.min = 1, .max = 1 << 20});
    return {{.name = "tokens", .type = at::kLong, .shape = {context}},
            {.name = "next", .type = at::kLong, .shape = {context}}};
  }

  std::int64_t context_;
  std::vector<std::uint32_t> successors_;
};

/// A linear function for each output, plus noise.
class Linear final : public Synthetic {
 public:
  Linear(const Options& options, Split split)
      : Synthetic(options, split, fields_of(options)),
        values_(values_in(fields()[0].shape)),
        halvings_(std::bit_width(static_cast<std::uint64_t>(values_)) / 2) {}

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    auto* inputs = batch.fields[0].mutable_data_ptr<float>();
    auto* targets = batch.fields[1].mutable_data_ptr<float>();
    for (const std::uint32_t index : samples) {
      SplitMix64 random = random_of_sample(index);
      for (std::int64_t i = 0; i < values_; ++i) inputs[i] = value_of(even(random));
      for (std::int64_t output = 0; output < fields()[1].shape[0]; ++output) {
        *targets++ = target_of(inputs, output, noise(random));
      }
      inputs += values_;
    }
  }

 private:
  static std::vector<Field> fields_of(const Options& options) {
    const std::int64_t outputs = options.integer("outputs", 1, {.min = 1, .max = 1 << 20});
    return {{.name = "input", .type = at::kFloat, .shape = shape_of(options, {16})},
            {.name = "target", .type = at::kFloat, .shape = {outputs}}};
  }

  /// The sum of weight times input, about divided by the root of their number so that it does not grow with it, and a
  /// sixteenth of `noise_units`.
  float target_of(const float* inputs, std::int64_t output, std::int32_t noise_units) const {
    SplitMix64 weights = random_of_rule(output);
    std::int64_t sum = (std::int64_t{noise_units} << (kFractionBits - 4)) << halvings_;
    for (std::int64_t i = 0; i < values_; ++i) {
      sum += std::int64_t{even(weights)} * static_cast<std::int32_t>(inputs[i] * (1 << kFractionBits));
    }
    return static_cast<float>(std::ldexp(static_cast<double>(sum), -2 * kFractionBits - halvings_));
  }

  std::int64_t values_;
  int halvings_;  // of the sum
};

}  // namespace

std::unique_ptr<Dataset> make_synthetic(const Options& options, Split split) {
  const std::string kind = options.word("kind", "classes", {"classes", "tokens", "regression"});
  if (kind == "tokens") return std::make_unique<Tokens>(options, split);
  if (kind == "regression") return std::make_unique<Linear>(options, split);
  return std::make_unique<Classes>(options, split);
}

}  // namespace runnel
