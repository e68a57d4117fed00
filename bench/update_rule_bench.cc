// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How fast is the arithmetic of each optimizer, in the first-level cache and over the whole model?
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "bench/page_floats.h"
#include "bench/suite.h"
#include "runtime/reduction/update_rule.h"

namespace runnel {
namespace {

void update_rule(benchmark::State& state, RuleKind name, std::size_t floats) {
  OptimizerConfig config;
  config.name = name;
  const auto rule = make_update_rule(config);
  const PageFloats gradient(floats, 1e-3F);
  PageFloats in(floats, 0.5F);
  PageFloats out(floats);
  std::array<PageFloats, UpdateRule::kMaxStates> states;
  std::array<float*, UpdateRule::kMaxStates> pointers = {};
  for (std::size_t i = 0; i < rule->state_count(); ++i) {
    states[i].resize(floats);
    pointers[i] = states[i].data();
  }
  std::int64_t step = 0;
  for (auto iteration : state) {
    (void)iteration;
    rule->begin_step(0.1, ++step);
    rule->update({floats, gradient.data(), in.data(), out.data(), pointers.data()});
    std::swap(in, out);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(floats));
}

}  // namespace

void register_update_rule() {
  for (const auto& [name, rule] : kChoices<RuleKind>) {
    for (const std::size_t floats : {std::size_t{512}, std::size_t{kReferenceBytes / sizeof(float)}}) {
      add("update_rule/" + std::string(name) + "/floats:" + std::to_string(floats),
          [rule = rule, floats](benchmark::State& state) { update_rule(state, rule, floats); });
    }
  }
}

}  // namespace runnel
