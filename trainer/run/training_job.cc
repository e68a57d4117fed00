// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/training_job.h"

#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "runtime/fabric/job_layout.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/compute/trained_model.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/model/weights.h"
#include "trainer/run/generator_run.h"
#include "trainer/run/job_rank.h"
#include "trainer/run/resume.h"
#include "trainer/run/sample_check.h"
#include "trainer/run/stopwatch.h"
#include "trainer/run/trainer_run.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

/// What all ranks of a job must have.
std::string data_line(const Dataset& train, const Dataset& test) {
  const auto text = [](const Dataset& data) {
    const std::string fingerprint = data.fingerprint();
    return std::to_string(data.size()) + " samples" + (fingerprint.empty() ? "" : " in " + fingerprint);
  };
  return text(train) + "; to test, " + text(test);
}

/// A configuration, and the checkpoint that its run goes on from.
struct Resumed {
  Config config;
  std::optional<Checkpoint> checkpoint;
};

Resumed resumed(Config config, const std::optional<LaunchPlace>& place) {
  auto checkpoint = checkpoint_to_resume(config.checkpoint, place);
  if (checkpoint) adopt_seats(config, *checkpoint);
  return {std::move(config), std::move(checkpoint)};
}

GeneratorRun::Beginning beginning_of(const std::optional<Checkpoint>& checkpoint, const RunPlan& plan) {
  if (!checkpoint) return {};
  const RunHistory history = RunHistory::of(*checkpoint);
  return {.start = start_from(*checkpoint, history, plan), .history = history, .checkpoint = &*checkpoint};
}

/// A rank of a job that trains: what it prepares before MPI starts, and the run. Thread: the main thread.
class TrainingRank {
 public:
  /// `since_start`: the report's seconds.data ends with this constructor and begins with `since_start`.
  TrainingRank(const Config& config, const Registry& registry, const LaunchPlace& place,
               const std::optional<Checkpoint>& checkpoint, const Stopwatch& since_start)
      : rank_(config, registry, place),
        train_(registry.make_dataset(config, Split::train, /*only_size=*/rank_.generates())),
        plan_(config, train_->size()),
        beginning_(beginning_of(checkpoint, plan_)) {
    if (checkpoint) load_others(*checkpoint, rank_.model().tensors());
    if (rank_.generates()) {
      const auto test = registry.make_dataset(config, Split::test, /*only_size=*/true);
      data_ = data_line(*train_, *test);
      generator_.emplace(config, plan_, rank_.layout(), rank_.model(), rank_.leads(), test->size(),
                         describe_run(config, rank_.model(), data_), beginning_);
    } else {
      trainer_.emplace(config, registry, *train_, plan_, beginning_.start, rank_.layout(), rank_.model(),
                       rank_.trainer());
      data_ = data_line(*train_, trainer_->test_data());
    }
    data_seconds_ = since_start.seconds();
  }

  /// Connects and runs. After an error the lead generator writes report and trace.
  void run() {
    try {
      rank_.connect(data_, beginning_.start,
                    {.generate =
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
  GeneratorRun::Beginning beginning_;
  std::string data_;  // what all ranks must have
  double data_seconds_ = 0;
  std::optional<GeneratorRun> generator_;  // either this or trainer_
  std::optional<TrainerRun> trainer_;
};

}  // namespace

void check_job(const Config& given, const Registry& registry) {
  check_interfaces(given);
  set_torch_threads(1);
  check_devices(given);
  const auto [config, checkpoint] = resumed(given, std::nullopt);
  const auto train = registry.make_dataset(config, Split::train);
  const RunPlan plan(config, train->size());
  const KernelChoice kernels(config.trainer.kernels);
  TrainedModel model = registry.make_model(config);
  const BucketLayout layout = layout_of(model.tensors().shapes(), config);
  load_weights(config, model.tensors());
  if (checkpoint) load_others(*checkpoint, model.tensors());
  const auto test = registry.make_dataset(config, Split::test);
  const GeneratorRun generator(config, plan, layout, model, /*leads=*/true, test->size(),
                               describe_run(config, model, data_line(*train, *test)), beginning_of(checkpoint, plan));
  check_training_pass(model, *train, config);
}

void run_training_job(const Config& given, const Registry& registry, const LaunchPlace& place) {
  const Stopwatch since_start;
  start_rank(given, place);
  const auto [config, checkpoint] = resumed(given, place);
  TrainingRank(config, registry, place, checkpoint, since_start).run();
}

}  // namespace runnel
