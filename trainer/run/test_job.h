// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "trainer/run/registry.h"

/// `runnel test`: the test of a model with the weights of model.init, or with those that it begins with. Nothing is
/// trained, and no training data are opened. The result goes to standard output, as a line or as JSON.
namespace runnel {

enum class TestOutput { text, json };

/// Throws what a rank of the job would throw before MPI starts; as `check_job`.
void check_test_job(const Config& config, const Registry& registry);

/// Runs this process's part of a job in which each trainer tests its share. `config`, errors and thread as for
/// `run_training_job`.
void run_test_job(const Config& config, const Registry& registry, const LaunchPlace& place, TestOutput output);

/// Tests in this process alone; `config.trainer.count` is 1. `keep_going` is called between batches; when it returns
/// false, the test ends without a result. Throws `RunError`. Thread: the main thread.
void test_alone(const Config& config, const Registry& registry, TestOutput output,
                const std::function<bool()>& keep_going);

}  // namespace runnel
