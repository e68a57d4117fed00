// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/model/model.h"

/// The models of fixtures/make_fixtures.py by their names there ("cnn", "transformer", …), however they came to be.
namespace runnel::test {

inline constexpr std::int64_t kBatch = 6;

struct Samples {
  at::Tensor inputs;
  at::Tensor targets;
};

/// Batches as make_fixtures.py makes them.
Samples samples(const std::string& model, std::int64_t step, std::int64_t batch = kBatch);

/// The output for one input.
at::Tensor pass(Model& model, const at::Tensor& inputs);

std::vector<std::string> names(const std::vector<NamedTensor>& tensors);

/// Trained parameters by their first names, or the frozen ones.
std::vector<NamedTensor> parameters_of(Model& model, bool trained);

/// The loss of one step of SGD.
double train_step(const std::string& name, Model& model, std::int64_t step);

/// Trains and evaluates as make_fixtures.py did, and expects the same bits where the processor runs the same kernels,
/// which the first loss shows; else losses, outputs and buffers within 1e-5. A test's property "same_bits" says which.
void expect_parity(const std::string& name, Model& model);

}  // namespace runnel::test
