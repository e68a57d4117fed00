// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/token_dataset.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "runtime/base/mapped_file.h"
#include "runtime/base/run_error.h"
#include "trainer/arrays/tokens.h"
#include "trainer/dataset/element_conversion.h"
#include "trainer/dataset/file_fingerprint.h"
#include "trainer/dataset/split_dataset.h"

namespace runnel {

TokenDataset::TokenDataset(const Settings& settings)
    : settings_(settings),
      tokens_(read_tokens(settings.path, settings.type)),
      size_((tokens_.shape[0] - settings.context - 1 + settings.stride) / settings.stride),
      fields_{{.name = "tokens", .type = at::kLong, .shape = {settings.context}},
              {.name = "next", .type = at::kLong, .shape = {settings.context}}} {
  constexpr std::int64_t kMostSamples = 0xFFFFFFFF;
  if (tokens_.shape[0] <= settings.context || size_ > kMostSamples) {
    throw RunError(ExitStatus::bad_data, settings.path.string() + ": expected from 1 to 2^32 - 1 windows of " +
                                             std::to_string(settings.context) + " tokens and the next one, found " +
                                             std::to_string(tokens_.shape[0]) +
                                             " tokens; choose other options context and stride");
  }
  if (settings.scattered) advise(tokens_.bytes, Access::scattered);
  if (settings.test_fraction > 0) choose_split();
}

void TokenDataset::choose_split() {
  // A window reads context + 1 tokens: the last one of the training split ends before the first one of the test begins.
  const std::int64_t gap = settings_.context / settings_.stride;
  const std::int64_t tests = test_samples(size_, settings_.test_fraction, gap);
  const bool is_test = settings_.split == Split::test;
  if (is_test) first_ = size_ - tests;
  size_ = is_test ? tests : size_ - tests - gap;
}

void TokenDataset::read(std::span<const std::uint32_t> samples, Batch& batch) const {
  auto* tokens = batch.fields[0].mutable_data_ptr<std::int64_t>();
  auto* next = batch.fields[1].mutable_data_ptr<std::int64_t>();
  const auto context = static_cast<std::size_t>(settings_.context);
  std::vector<std::int64_t> window(context + 1);
  for (const std::uint32_t sample : samples) {
    const std::int64_t begin = (first_ + sample) * settings_.stride;
    const std::byte* first = tokens_.bytes.data() + static_cast<std::size_t>(begin) * bytes_of(tokens_.type);
    with_element(tokens_.type, [&](auto zero) { convert<decltype(zero)>(first, window.size(), window.data()); });
    check(window, begin);
    tokens = std::copy_n(window.begin(), context, tokens);
    next = std::copy_n(window.begin() + 1, context, next);
  }
}

void TokenDataset::check(const std::vector<std::int64_t>& window, std::int64_t begin) const {
  if (settings_.vocabulary == 0) return;
  const auto wrong =
      std::ranges::find_if(window, [&](std::int64_t token) { return token < 0 || token >= settings_.vocabulary; });
  if (wrong == window.end()) return;
  throw RunError(ExitStatus::bad_data, settings_.path.string() + ": token " +
                                           std::to_string(begin + (wrong - window.begin())) +
                                           ": expected one from 0 to " + std::to_string(settings_.vocabulary - 1) +
                                           ", as the option vocabulary has it, found " + std::to_string(*wrong));
}

std::string TokenDataset::fingerprint() const {
  return file_fingerprint(std::array{settings_.path});
}

}  // namespace runnel
