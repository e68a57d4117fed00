// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "runtime/config/config_schema.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/seat_tree.h"

namespace runnel {
namespace {

using Words = std::string_view[];

constexpr Words kAdadelta = {word_of(RuleKind::adadelta)};
constexpr Words kSgd = {word_of(RuleKind::sgd)};
constexpr Words kAdams = {word_of(RuleKind::adam), word_of(RuleKind::adamw)};
constexpr Words kRulesWithEps = {word_of(RuleKind::adadelta), word_of(RuleKind::adam), word_of(RuleKind::adamw)};
constexpr Words kStep = {word_of(ScheduleKind::step)};
constexpr Words kSchedulesWithWarmup = {word_of(ScheduleKind::step), word_of(ScheduleKind::cosine),
                                        word_of(ScheduleKind::warmup)};

// Access to a member of one of the configuration's tables.
template <auto... Members>
auto& at(Config& config) {
  return (config.*....*Members);
}

template <class T>
constexpr auto kWordsOf = [] {
  std::array<std::string_view, kChoices<T>.size()> words;
  std::ranges::transform(kChoices<T>, words.begin(), &Choice<T>::word);
  return words;
}();

// A member that takes the words of its type.
template <auto... Members>
constexpr ChoiceKey choice(std::string_view for_boolean = "") {
  using T = std::remove_reference_t<decltype(at<Members...>(std::declval<Config&>()))>;
  return {
      .words = kWordsOf<T>,
      .get = [](const Config& config) -> std::size_t {
        const T& value = at<Members...>(const_cast<Config&>(config));  // only reads
        return static_cast<std::size_t>(std::ranges::find(kChoices<T>, value, &Choice<T>::value) - kChoices<T>.begin());
      },
      .set = [](Config& config, std::size_t word) { at<Members...>(config) = kChoices<T>[word].value; },
      .for_boolean = for_boolean};
}

constexpr KeyCondition with_rule(std::span<const std::string_view> rules) {
  return {"optimizer.name", rules};
}

constexpr KeyCondition with_schedule(std::span<const std::string_view> schedules) {
  return {"optimizer.schedule.name", schedules};
}

constexpr std::int64_t kMaxBatch = 1 << 20;
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();
constexpr double kMaxSeconds = 86400;
constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();

// A bucket is one put, and UCX emulates very large ones on shared memory.
constexpr std::int64_t kMaxBucketBytes = 256 << 20;

constexpr ConfigKey kKeys[] = {
    {"model.name", TextKey{at<&Config::model, &ModelConfig::name>},
     "The model to train: trainer/README.md lists the built-in ones; a program may add its own."},
    {"model.file", FileKey{at<&Config::model, &ModelConfig::file>, true},
     "File that the model is made from, for models that need one."},
    {"model.init", FileKey{at<&Config::model, &ModelConfig::init>, true},
     "safetensors file with the parameters and buffers to start from; `\"\"`: the model's own, from `run.seed` or from "
     "its file."},
    {"model.init_prefix", TextKey{at<&Config::model, &ModelConfig::init_prefix>, /*may_be_empty=*/true},
     "Prefix of every name in `model.init`, such as `\"module.\"`, which the model's names do not have."},
    {"model.buffers", choice<&Config::model, &ModelConfig::buffers>(),
     "What becomes of tensors that a pass writes and nobody optimizes, such as BatchNorm's statistics, after each "
     "step. "
     "`\"average\"`: the mean over the seats; `\"first\"`: those of the first seat; "
     "`\"local\"`: each process keeps its own; those of the first are saved."},
    {"model.options", OptionsKey{at<&Config::model, &ModelConfig::options>},
     "Options of this model, listed in trainer/model/README.md."},

    {"objective.name", TextKey{at<&Config::objective, &ObjectiveConfig::name>},
     "The loss, and what a test measures: trainer/compute/README.md lists the built-in ones."},
    {"objective.options", OptionsKey{at<&Config::objective, &ObjectiveConfig::options>},
     "Options of this objective, listed in trainer/compute/README.md."},

    {"data.name", TextKey{at<&Config::data, &DataConfig::name>},
     "The data set: trainer/dataset/README.md lists the built-in ones."},
    {"data.path", FileKey{at<&Config::data, &DataConfig::path>, true},
     "File or folder of the data set; with `\"mnist\"`, a folder with its four IDX files, plain or gzip, and `\"\"` is "
     "the data that comes with Runnel."},
    {"data.test_path", FileKey{at<&Config::data, &DataConfig::test_path>, true},
     "File or folder to test with, in the same format as `data.path`; `\"\"`: none. Data sets without test data of "
     "their own need this, `data.test_fraction`, or their option `test_inputs`."},
    {"data.test_fraction", NumberKey{at<&Config::data, &DataConfig::test_fraction>, {0, 1, true}},
     "Share of the samples to test with, which is not trained with: a random part, drawn by `data.split_seed`; of "
     "tokens the end of the file. 0: none."},
    {"data.split_seed", IntegerKey{at<&Config::data, &DataConfig::split_seed>, 0, kMaxSeed},
     "Seed of the random part that `data.test_fraction` takes; without that it has no effect."},
    {"data.shuffle",
     choice<&Config::data, &DataConfig::shuffle>("true is now \"share\" or, across all trainers, \"global\"; false is "
                                                 "\"no\""),
     "The order of an epoch. `\"global\"`: all samples are shuffled and dealt to the seats, "
     "anew in each epoch; `\"share\"`: each has the same part of the data in every epoch, in a new order; "
     "`\"no\"`: each has the same part, in the order of the files."},
    {"data.drop_last", BoolKey{at<&Config::data, &DataConfig::drop_last>},
     "Whether an epoch ends before the first step in which a batch of a seat would not be full."},
    {"data.prefetch", IntegerKey{at<&Config::data, &DataConfig::prefetch>, 0, 64},
     "How many steps ahead a thread of each trainer reads its batches while it computes, and how many passes ahead in "
     "a test; each takes the memory of a batch. It changes no bit of the result. 0: a batch is read when it is needed.",
     "steps"},
    {"data.options", OptionsKey{at<&Config::data, &DataConfig::options>},
     "Options of this data set, listed in trainer/dataset/README.md."},

    {"trainer.count", IntegerKey{at<&Config::trainer, &TrainerConfig::count>, 1, 1024},
     "Number of trainers (`-n`); under mpirun it follows from the number of ranks.", "processes"},
    {"trainer.seats", IntegerKey{at<&Config::trainer, &TrainerConfig::seats>, 0, kMaxSeats},
     "Number of seats: fixed parts of the run, each with its part of the data, its random numbers and its place in the "
     "sum. At least `trainer.count`, whose trainers compute for them all; for the same number of seats, the result is "
     "the same, bit for bit. 0: as many as trainers."},
    {"trainer.batch_size", IntegerKey{at<&Config::trainer, &TrainerConfig::batch_size>, 1, kMaxBatch},
     "Samples in a batch of each seat.", "samples"},
    {"trainer.test_batch_size", IntegerKey{at<&Config::trainer, &TrainerConfig::test_batch_size>, 1, kMaxBatch},
     "Samples in a forward pass of the test. More take more memory. On the CPU the score does not depend on it.",
     "samples"},
    {"trainer.threads", IntegerKey{at<&Config::trainer, &TrainerConfig::threads>, 1, 1024},
     "LibTorch's threads in each trainer; another number may change the last bits of a gradient.", "threads"},
    {"trainer.kernels", choice<&Config::trainer, &TrainerConfig::kernels>(),
     "Whose dropout, linear layers and 2x2 max pooling are used on the CPU. `\"own\"`: Runnel's, which are faster; "
     "`\"torch\"`: LibTorch's, with the random numbers that dropout has in Python. The linear layers and the pooling "
     "give the same bits either way."},
    {"trainer.device", DevicesKey{at<&Config::trainer, &TrainerConfig::device>},
     "Where trainers compute: one device for all, or a list with one for each. `\"cuda:K\"`: that GPU of the host; "
     "`\"cuda\"`: the one assigned to the process (trainer/README.md, \"Devices\"); `\"auto\"`: the same, or the CPU "
     "where "
     "there is no GPU."},

    {"generator.count", IntegerKey{at<&Config::generator, &GeneratorConfig::count>, 1, 1024},
     "Number of generators, which are the first ranks; each owns an equal part of the parameters, at least 16 KiB. It "
     "changes no bit of the result; `--alone` runs without generators.",
     "processes"},
    {"generator.device", DeviceKey{at<&Config::generator, &GeneratorConfig::device>},
     "Where gradients are summed and parameters are updated, as for `trainer.device`."},
    {"generator.threads", IntegerKey{at<&Config::generator, &GeneratorConfig::threads>, 1, 256},
     "Threads that sum gradients and update parameters on the CPU; their number changes no bit of the result.",
     "threads"},

    {"optimizer.name", choice<&Config::optimizer, &OptimizerConfig::name>(),
     "The update rule; runtime/reduction/README.md has the formulas."},
    {"optimizer.lr", NumberKey{at<&Config::optimizer, &OptimizerConfig::lr>, {0, 1e6}},
     "Learning rate, from which the schedule starts."},
    {"optimizer.rho", NumberKey{at<&Config::optimizer, &OptimizerConfig::rho>, {0, 1, true}},
     "Decay of the running averages.", "", with_rule(kAdadelta)},
    {"optimizer.eps", NumberKey{at<&Config::optimizer, &OptimizerConfig::eps>, {1e-30, 1}},
     "Added to the denominator, to keep it from zero.", "", with_rule(kRulesWithEps)},
    {"optimizer.momentum", NumberKey{at<&Config::optimizer, &OptimizerConfig::momentum>, {0, 1, true}},
     "Share of the last step that is added to the next one.", "", with_rule(kSgd)},
    {"optimizer.betas", PairKey{at<&Config::optimizer, &OptimizerConfig::betas>, {0, 1, true}, {0, 1, true}},
     "Decay of the running mean and of the running mean square.", "", with_rule(kAdams)},
    {"optimizer.weight_decay", NumberKey{at<&Config::optimizer, &OptimizerConfig::weight_decay>, {0, 1e6}},
     "Added to the gradient, times the parameter; with adamw it shrinks the parameter instead."},
    {"optimizer.reduce", choice<&Config::optimizer, &OptimizerConfig::reduce>(),
     "Whether the gradients of all seats are summed or averaged."},
    {"optimizer.schedule.name", choice<&Config::optimizer, &OptimizerConfig::schedule, &ScheduleConfig::name>(),
     "How the learning rate changes. `\"constant\"`: it does not; `\"step\"`: multiplied by `gamma` every "
     "`every_epochs`; "
     "`\"cosine\"`: to zero along half a cosine over the run; `\"warmup\"`: constant after a linear rise."},
    {"optimizer.schedule.every_epochs",
     IntegerKey{at<&Config::optimizer, &OptimizerConfig::schedule, &ScheduleConfig::every_epochs>, 1, kMaxCount},
     "Epochs between two multiplications of the learning rate by `gamma`.", "epochs", with_schedule(kStep)},
    {"optimizer.schedule.gamma",
     NumberKey{at<&Config::optimizer, &OptimizerConfig::schedule, &ScheduleConfig::gamma>, {0, 10}},
     "Factor of the learning rate every `every_epochs`.", "", with_schedule(kStep)},
    {"optimizer.schedule.warmup_steps",
     IntegerKey{at<&Config::optimizer, &OptimizerConfig::schedule, &ScheduleConfig::warmup_steps>, 0, kMaxCount},
     "Steps over which the learning rate rises linearly, before the schedule begins.", "steps",
     with_schedule(kSchedulesWithWarmup)},
    {"optimizer.clip_norm", NumberKey{at<&Config::optimizer, &OptimizerConfig::clip_norm>, {0, 1e30}},
     "Largest L2 norm of the reduced gradient; a gradient with a larger norm is scaled down to it. Needs one "
     "generator. "
     "0: off."},

    {"transport.path", choice<&Config::transport, &TransportConfig::path>(),
     "How bytes reach a peer. `\"auto\"`: the best that works; another value forces one, for tests and comparison."},
    {"transport.require", choice<&Config::transport, &TransportConfig::require>(),
     "The run ends with status 78, as soon as all are connected, unless every trainer reaches every generator by this "
     "path or a better one. `\"rdma\"`: between hosts, one-sided by an RDMA device; within one, `\"one-sided\"`."},
    {"transport.interface", TextKey{at<&Config::transport, &TransportConfig::interface>},
     "Network interface for peers on other hosts. `\"auto\"`: loopback on one host, else the first whose network all "
     "hosts share, and in addition every RDMA device, which UCX prefers."},
    {"transport.bucket_bytes",
     IntegerKey{at<&Config::transport, &TransportConfig::bucket_bytes>, kBlockBytes, kMaxBucketBytes, kBlockBytes},
     "Gradients and parameters travel, and are summed, in pieces of this size. It changes no bit of the result.",
     "bytes"},

    {"checkpoint.directory", FileKey{at<&Config::checkpoint, &CheckpointConfig::directory>, false},
     "Folder where the run's checkpoints are kept (`--checkpoint`); `\"\"`: none are made, and the other keys of this "
     "table, except `checkpoint.resume`, have no effect."},
    {"checkpoint.every_steps", IntegerKey{at<&Config::checkpoint, &CheckpointConfig::every_steps>, 0, kMaxCount},
     "Steps from one checkpoint to the next; `checkpoint.every_s` may make one earlier. 0: by time only.", "steps"},
    {"checkpoint.every_s", NumberKey{at<&Config::checkpoint, &CheckpointConfig::every_s>, {0, kMaxSeconds}},
     "Time from one checkpoint to the next, which is made at the end of the step in which it has passed. 0: by steps "
     "only.",
     "seconds"},
    {"checkpoint.keep", IntegerKey{at<&Config::checkpoint, &CheckpointConfig::keep>, 1, kMaxCount},
     "How many checkpoints are kept: the newest ones."},
    {"checkpoint.grace_s", NumberKey{at<&Config::checkpoint, &CheckpointConfig::grace_s>, {0.1, kMaxSeconds}},
     "How long a run may take to make its last checkpoint after a signal or the loss of a process; then it ends "
     "without "
     "one.",
     "seconds"},
    {"checkpoint.on_signal", BoolKey{at<&Config::checkpoint, &CheckpointConfig::on_signal>},
     "Whether a signal that ends the run lets it make a checkpoint first, at the end of the step; a second signal ends "
     "it at once. After SIGUSR1 the run makes one and continues."},
    {"checkpoint.required", BoolKey{at<&Config::checkpoint, &CheckpointConfig::required>},
     "Whether the run ends, with status 74, when a checkpoint cannot be written. Otherwise a line says so, and the run "
     "continues."},
    {"checkpoint.resume", FileKey{at<&Config::checkpoint, &CheckpointConfig::resume>, true, CheckpointConfig::kNewest},
     "What the run continues from (`--resume`): the folder of a checkpoint, or `\"newest\"`, the newest good one in "
     "`checkpoint.directory`, without one the start. `\"\"`: it starts from the beginning."},

    {"run.max_epochs", IntegerKey{at<&Config::run, &RunConfig::max_epochs>, 1, kMaxCount},
     "Passes over the data after which the run ends.", "epochs"},
    {"run.max_gradients", IntegerKey{at<&Config::run, &RunConfig::max_gradients>, 0, kMaxCount},
     "Gradients, counted over all seats, after which the run ends at the latest. Every step makes one for each seat, "
     "and there is at least one step. 0: no limit.",
     "gradients"},
    {"run.max_steps", IntegerKey{at<&Config::run, &RunConfig::max_steps>, 0, kMaxCount},
     "Steps after which the run ends at the latest. 0: no limit.", "steps"},
    {"run.seed", IntegerKey{at<&Config::run, &RunConfig::seed>, 0, kMaxSeed},
     "Seed of initialisation, shuffling and dropout."},
    {"run.timeout_s", NumberKey{at<&Config::run, &RunConfig::timeout_s>, {0.1, kMaxSeconds}},
     "How long a process waits for another before it gives up.", "seconds"},
    {"run.log_every", IntegerKey{at<&Config::run, &RunConfig::log_every>, 1, kMaxCount},
     "Steps between two log lines when the output is not a terminal.", "steps"},
    {"run.pin", BoolKey{at<&Config::run, &RunConfig::pin>},
     "Whether every process of a job is pinned to cores of its own, one for each of its threads. With too few cores, "
     "no process is pinned, and a line says how many are missing."},
    {"run.on_nonfinite", choice<&Config::run, &RunConfig::on_nonfinite>(),
     "What happens when a loss or a parameter becomes infinite or NaN. `\"stop\"`: the run ends with status 65 and "
     "saves no parameters; `\"warn\"`: a line names the first one, and the run continues."},
    {"run.report", FileKey{at<&Config::run, &RunConfig::report>, false},
     "Where the run report is written (JSON); `\"\"`: nowhere."},
    {"run.save", FileKey{at<&Config::run, &RunConfig::save>, false},
     "Where parameters and buffers are written at the end (safetensors); `\"\"`: nowhere."},
    {"run.trace", FileKey{at<&Config::run, &RunConfig::trace>, false},
     "Where the trace of all processes is written (JSON, for Perfetto); `\"\"`: nowhere."},
};

}  // namespace

std::span<const ConfigKey> config_keys() {
  return kKeys;
}

}  // namespace runnel
