// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/test_job.h"

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "runtime/fabric/job_layout.h"
#include "runtime/telemetry/finite_guard.h"
#include "runtime/telemetry/run_report.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/weights.h"
#include "trainer/run/failure.h"
#include "trainer/run/job_rank.h"
#include "trainer/run/sample_check.h"
#include "trainer/run/test_result.h"
#include "trainer/run/test_share.h"
#include "trainer/torch/placement.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

void print(const Score& score, const Objective& objective, TestOutput output) {
  const RunReport::Test result = test_result(score, objective);
  std::puts(output == TestOutput::json ? test_json(result).c_str() : test_text(result).c_str());
}

/// A rank of a job that tests.
class TestRank {
 public:
  TestRank(const Config& config, const Registry& registry, const LaunchPlace& place, TestOutput output)
      : rank_(config, registry, place), output_(output) {
    if (rank_.generates()) {
      start_.resize(rank_.layout().float_count());
      write_initial_parameters(rank_.model().tensors(), rank_.layout(), start_);
      data_ = registry.make_dataset(config, Split::test, /*only_size=*/true)->fingerprint();
    } else {
      share_.emplace(config, registry, rank_.trainer());
      data_ = share_->dataset().fingerprint();
    }
  }

  void run() {
    rank_.connect(data_, RunStart(),
                  {.generate = [this](Generator& exchange, const PeerGroup&) { generate(exchange); },
                   .train = [this](TrainerClient& exchange) { train(exchange); }});
  }

 private:
  void generate(Generator& exchange) {
    const auto work = [&] {
      exchange.publish_start(start_);
      std::optional<Score> score;
      if (rank_.leads()) score = exchange.collect_evaluation();
      exchange.leave();
      if (score) print(*score, rank_.model().objective(), output_);
    };
    do_or_fail(work, [&](const std::exception& error) { exchange.fail(error); });
  }

  void train(TrainerClient& exchange) {
    const auto work = [&] {
      exchange.pull();
      TrainedModel& model = rank_.model();
      model.use(TensorArena(rank_.layout(), exchange.parameters(exchange.buffer()), model.device()));
      exchange.report_evaluation(share_->score(model, [&] { return !exchange.stopping(); }));
      exchange.leave();
    };
    do_or_fail(work, [&](const std::exception&) { exchange.fail(); });
  }

  JobRank rank_;
  TestOutput output_;
  std::string data_;                // what all ranks must have
  std::vector<float> start_;        // of a generator
  std::optional<TestShare> share_;  // of a trainer
};

}  // namespace

void check_test_job(const Config& config, const Registry& registry) {
  check_interfaces(config);
  set_torch_threads(1);
  check_devices(config);
  const KernelChoice kernels(config.trainer.kernels);
  TrainedModel model = registry.make_model(config);
  layout_of(model.tensors().shapes(), config);
  load_weights(config, model.tensors());
  check_test_pass(model, *registry.make_dataset(config, Split::test), config);
}

void run_test_job(const Config& config, const Registry& registry, const LaunchPlace& place, TestOutput output) {
  start_rank(config, place);
  TestRank(config, registry, place, output).run();
}

void test_alone(const Config& config, const Registry& registry, TestOutput output,
                const std::function<bool()>& keep_going) {
  set_torch_threads(config.trainer.threads);
  const StartedDevice started =
      start_device(config.trainer.device_of(0), "trainer.device", /*process=*/0, /*computes=*/true);
  const KernelChoice kernels(config.trainer.kernels);
  const TestShare share(config, registry, /*trainer=*/0);
  TrainedModel model = registry.make_model(config, torch_device(started.id));
  load_weights(config, model.tensors());
  check_test_pass(model, share.dataset(), config);
  const Score score = share.score(model, keep_going);
  if (score.samples < share.size()) return;  // stopped
  FiniteGuard(config.run).check_loss("the test", score.loss.mean(), /*step=*/0);
  print(score, model.objective(), output);
}

}  // namespace runnel
