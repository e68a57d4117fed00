// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Makes a model, for which LibTorch is needed, and the layout of its parameters.
#include <cstdio>

#include "runtime/protocol/bucket_layout.h"
#include "trainer/run/registry.h"
#include "trainer/run/training_job.h"

int main() {
  const runnel::Config config;
  const runnel::TrainedModel model = runnel::Registry().make_model(config);
  const runnel::BucketLayout layout(model.tensors().shapes(), 1 << 20);
  std::printf("%zu parameters\n", layout.float_count());
  return model.tensors().trained().empty() ? 1 : 0;
}
