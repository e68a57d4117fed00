// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/local_training.h"

#include <ATen/ops/from_blob.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runnel_version.h"
#include "runtime/base/digest.h"
#include "runtime/bootstrap/host.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/launch/launch_place.h"
#include "runtime/plan/run_plan.h"
#include "runtime/plan/schedule.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/reduction/reducer.h"
#include "runtime/telemetry/trace.h"
#include "runtime/telemetry/trace_file.h"
#include "trainer/compute/evaluation.h"
#include "trainer/compute/virtual_trainers.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/model.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/progress.h"
#include "trainer/run/stopwatch.h"
#include "trainer/torch/placement.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

/// What the generator and the trainer of a job hold, side by side in plain memory: of `device`, where there is one.
class LocalJob {
 public:
  LocalJob(const Config& config, const RunPlan& plan, const std::vector<IdxDataset>& train, Trace& trace,
           Device* device)
      : plan_(plan),
        trace_(trace),
        model_(make_model(config.model, static_cast<std::uint64_t>(config.run.seed),
                          c10::Device(device != nullptr ? device->name() : "cpu"))),
        layout_(model_->shapes(), static_cast<std::size_t>(config.transport.bucket_bytes)),
        virtual_trainers_(*model_, train, plan, layout_, config, /*trainer=*/0),
        stream_(device != nullptr ? device->make_stream(/*marks=*/1) : nullptr),
        reducer_(make_reducer(config, layout_.float_count(), device, stream_.get())),
        schedule_(config.optimizer.lr, config.optimizer.schedule, plan.total_steps()) {
    virtual_trainers_.record_into(trace);
    std::vector<float> start(layout_.float_count());
    write_initial_parameters(config.model, *model_, layout_, start);
    buffers_[0].floats.copy_(at::from_blob(start.data(), buffers_[0].floats.sizes(), at::kFloat));
  }

  Model& model() { return *model_; }
  Trace& trace() { return trace_; }
  const BucketLayout& layout() const { return layout_; }

  /// A copy of the parameters of version `version`, as long as no later version than the next one exists.
  std::vector<float> parameters(std::int64_t version) {
    const at::Tensor floats = buffer_of(version).floats.cpu();
    const auto* first = floats.const_data_ptr<float>();
    return {first, first + floats.numel()};
  }

  /// Turns version `step` of the parameters into the next one, and binds the model to that.
  VirtualTrainers::Result make_step(std::int64_t step) {
    const VirtualTrainers::Result result = virtual_trainers_.compute(step, buffer_of(step).arena, gradient_.arena);
    since_gradient_ = Stopwatch();
    if (stream_) stream_->wait_for_compute();
    reducer_->begin_step(schedule_.lr(step, plan_.epoch_of(step)), step + 1,
                         buffer_of(step).floats.const_data_ptr<float>(),
                         buffer_of(step + 1).floats.mutable_data_ptr<float>(), gradients_);
    for (std::size_t bucket = 0; bucket < layout_.bucket_count(); ++bucket) {
      const TraceSpan span(trace_, {.what = TraceWhat::reduce,
                                    .bucket = static_cast<std::uint32_t>(bucket),
                                    .step = static_cast<std::uint64_t>(step)});
      reducer_->reduce(layout_.bucket(bucket));
    }
    reducer_->finish_step();
    if (stream_) stream_->let_compute_wait();
    bind_parameters(*model_, buffer_of(step + 1).arena);
    return result;
  }

  /// Since the last step's gradient was complete. On a device the host does not wait for that, and cannot tell.
  std::optional<double> ms_since_gradient() const {
    return stream_ ? std::nullopt : std::optional(1e3 * since_gradient_.seconds());
  }

 private:
  OwnedArena& buffer_of(std::int64_t version) { return buffers_[static_cast<std::size_t>(version % 2)]; }

  RunPlan plan_;
  Trace& trace_;
  std::unique_ptr<Model> model_;
  BucketLayout layout_;
  std::array<OwnedArena, 2> buffers_ = {OwnedArena(layout_, model_->device()), OwnedArena(layout_, model_->device())};
  OwnedArena gradient_{layout_, model_->device()};
  std::array<const float*, 1> gradients_ = {gradient_.floats.const_data_ptr<float>()};
  VirtualTrainers virtual_trainers_;
  std::unique_ptr<DeviceStream> stream_;  // of a device
  std::unique_ptr<Reducer> reducer_;
  Schedule schedule_;
  Stopwatch since_gradient_;
};

/// The steps and tests of a run, with what they add to the report.
class LocalRun {
 public:
  LocalRun(LocalJob& job, const Config& config, const RunPlan& plan, const LocalTrainingOptions& options,
           RunReport& report)
      : job_(job),
        config_(config),
        plan_(plan),
        progress_({.out = options.out, .live = options.live, .log_every = config.run.log_every}, plan),
        report_(report) {
    progress_.say("device: " + report.processes.front().device);
  }

  void step(std::int64_t step) {
    const Stopwatch watch;
    const VirtualTrainers::Result result = job_.make_step(step);
    const auto exchange_ms = job_.ms_since_gradient();
    const double seconds = watch.seconds();
    step_ms_.push_back(1e3 * seconds);
    if (exchange_ms) exchange_ms_.push_back(*exchange_ms);
    images_ += result.images;
    report_.bytes.staged += result.staged_bytes;
    report_.seconds.train += seconds;
    report_.loss.emplace_back(step, result.loss);
    progress_.step(
        {.step = step, .loss = result.loss, .images = result.images, .seconds = seconds, .exchange_ms = exchange_ms});
  }

  void test(std::int64_t step, const IdxDataset& data, const std::function<bool()>& keep_going) {
    const Stopwatch watch;
    const Score score = evaluate(step, data, keep_going);
    report_.seconds.test += watch.seconds();
    if (score.samples < static_cast<std::int64_t>(data.size())) {
      return;
    }
    report_.test = {
        .loss = score.loss(), .accuracy = score.accuracy(), .correct = score.correct, .samples = score.samples};
    progress_.test(step, score);
  }

  void finish(std::int64_t steps) {
    report_.steps = steps;
    report_.gradients = steps * config_.trainer.shares();
    report_.epochs = steps == 0 ? 0 : plan_.epoch_of(steps - 1) + 1;
    report_.step_ms = quantiles(step_ms_);
    report_.exchange_ms = report_.exposed_ms = quantiles(exchange_ms_);
    report_.images_per_second = steps == 0 ? 0 : static_cast<double>(images_) / report_.seconds.train;
    const std::vector<float> parameters = job_.parameters(steps);
    report_.parameters_sha256 = to_hex(sha256(std::as_bytes(std::span(parameters))));
  }

 private:
  Score evaluate(std::int64_t step, const IdxDataset& data, const std::function<bool()>& keep_going) {
    const TraceSpan span(job_.trace(), {.what = TraceWhat::test, .step = static_cast<std::uint64_t>(step)});
    return runnel::evaluate(job_.model(), data, config_, keep_going);
  }

  LocalJob& job_;
  const Config& config_;
  const RunPlan& plan_;
  Progress progress_;
  RunReport& report_;
  std::vector<double> step_ms_;
  std::vector<double> exchange_ms_;
  std::int64_t images_ = 0;
};

}  // namespace

void train_alone(const Config& config, const LocalTrainingOptions& options, const std::function<bool()>& keep_going,
                 RunReport& report) {
  const Stopwatch watch;
  report.config = config;
  report.torch_version = torch_version();
  require_writable_outputs(config.run);
  set_torch_threads(config.trainer.threads);
  const auto [placed, device] =
      start_device(config.trainer.device_of(0), "trainer.device", /*process=*/0, /*computes=*/true);
  const std::vector<IdxDataset> train = VirtualTrainers::load_shares(config, 0);
  const IdxDataset test = IdxDataset::load(config.data.path, Split::test);
  report.seconds.data = watch.seconds();

  const RunPlan whole(config, count_samples(config.data.path, Split::train));
  const RunPlan plan = options.dry_run ? whole.limited_to(1) : whole;
  std::vector<std::byte> trace_memory(config.run.trace.empty() ? 0 : Trace::bytes_for(kTraceEvents));
  Trace trace = trace_memory.empty() ? Trace() : Trace(trace_memory);
  LocalJob job(config, plan, train, trace, device.get());
  report.processes = {{.rank = 0, .role = "trainer", .host = Host::local().name, .pid = getpid(), .device = placed}};
  LocalRun run(job, config, plan, options, report);
  report.seconds.start = std::chrono::duration<double>(time_since_start()).count();
  std::int64_t step = 0;
  for (; step < plan.total_steps() && keep_going(); ++step) {
    run.step(step);
    if (plan.test_after(step)) {
      run.test(step, test, keep_going);
    }
  }
  run.finish(step);
  if (step == plan.total_steps() && !config.run.save.empty()) {
    save_safetensors(config.run.save, job.layout(), job.parameters(step));
  }
  if (trace.on()) {
    const std::string name = "trainer 0 (" + report.processes.front().host + ")";
    write_trace(config.run.trace, {{.name = name, .recorded = read_trace(trace.close(), name)}}, kVersion);
  }
  report.seconds.total = watch.seconds();
}

}  // namespace runnel
