// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Makes a model, for which LibTorch is needed, and the layout of its parameters.
#include <cstdio>

#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/model.h"
#include "trainer/run/training_job.h"

int main() {
  const runnel::Config config;
  const auto model = runnel::make_model(config.model, config.run.seed);
  const runnel::BucketLayout layout(model->shapes(), 1 << 20);
  std::printf("%zu parameters\n", layout.float_count());
  return model->parameters().empty() ? 1 : 0;
}
