// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/training_job.h"

#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/compute/trained_model.h"
#include "trainer/model/weights.h"
#include "trainer/run/generator_run.h"
#include "trainer/run/job_layout.h"
#include "trainer/run/job_rank.h"
#include "trainer/run/sample_check.h"
#include "trainer/run/stopwatch.h"
#include "trainer/run/trainer_run.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

/// A rank of a job that trains: what it prepares before MPI starts, and the run. Thread: the main thread.
class TrainingRank {
 public:
  /// `since_start`: the report's seconds.data ends with this constructor and begins with `since_start`.
  TrainingRank(const Config& config, const Registry& registry, const LaunchPlace& place, const Stopwatch& since_start)
      : rank_(config, registry, place),
        train_(registry.make_dataset(config, Split::train, /*only_size=*/rank_.generates())),
        plan_(config, train_->size()) {
    if (rank_.generates()) {
      generator_.emplace(config, registry, plan_, rank_.layout(), rank_.model(), rank_.leads());
    } else {
      trainer_.emplace(config, registry, *train_, plan_, rank_.layout(), rank_.model(), rank_.trainer());
    }
    data_seconds_ = since_start.seconds();
  }

  /// Connects and runs. After an error the lead generator writes report and trace.
  void run() {
    try {
      rank_.connect({.generate =
                         [this](Generator& exchange, const PeerGroup& group) {
                           const auto& [mpi_init, bootstrap] = rank_.seconds();
                           generator_->run(exchange, group, {data_seconds_, mpi_init, bootstrap});
                         },
                     .train = [this](TrainerClient& exchange) { trainer_->run(exchange); }});
    } catch (const std::exception& error) {
      if (generator_) generator_->fail(error);
      throw;
    }
  }

 private:
  JobRank rank_;
  std::unique_ptr<Dataset> train_;  // a generator needs its size only
  RunPlan plan_;
  double data_seconds_ = 0;
  std::optional<GeneratorRun> generator_;  // either this or trainer_
  std::optional<TrainerRun> trainer_;
};

}  // namespace

void check_job(const Config& config, const Registry& registry) {
  check_interfaces(config);
  set_torch_threads(1);
  check_devices(config);
  const auto train = registry.make_dataset(config, Split::train);
  const RunPlan plan(config, train->size());
  TrainedModel model = registry.make_model(config);
  const BucketLayout layout = layout_of(model.tensors(), config);
  load_weights(config, model.tensors());
  const GeneratorRun generator(config, registry, plan, layout, model, /*leads=*/true);
  registry.make_dataset(config, Split::test);
  require_computable(model, *train, config);
}

void run_training_job(const Config& config, const Registry& registry, const LaunchPlace& place) {
  const Stopwatch since_start;
  start_rank(config, place);
  TrainingRank(config, registry, place, since_start).run();
}

}  // namespace runnel
