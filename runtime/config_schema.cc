// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config_schema.h"

#include <algorithm>
#include <limits>

#include "runtime/bucket_layout.h"

namespace runnel {
namespace {

using Words = std::string_view[];

constexpr Words kModels = {"mnist-cnn"};
constexpr Words kRules = {"adadelta", "sgd", "adam", "adamw"};
constexpr Words kReductions = {"sum", "mean"};
constexpr Words kSchedules = {"constant", "step", "cosine", "warmup"};
constexpr Words kPaths = {"auto", "mapped", "one-sided", "emulated"};
constexpr Words kRequirements = {"any", "one-sided", "mapped"};

constexpr Words kAdadelta = {"adadelta"};
constexpr Words kSgd = {"sgd"};
constexpr Words kAdams = {"adam", "adamw"};
constexpr Words kRulesWithEps = {"adadelta", "adam", "adamw"};
constexpr Words kStep = {"step"};
constexpr Words kSchedulesWithWarmup = {"step", "cosine", "warmup"};

constexpr KeyCondition with_rule(std::span<const std::string_view> rules) {
  return {"optimizer.name", [](Config & c) -> auto& {return c.optimizer.name;
}
, rules
};  // namespace
}  // namespace runnel

constexpr KeyCondition with_schedule(std::span<const std::string_view> schedules) {
  return {"optimizer.schedule.name", [](Config & c) -> auto& {return c.optimizer.schedule.name;
}
, schedules
}
;
}

constexpr std::int64_t kMaxBatch = 1 << 20;
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();

// UCX sends puts of more than a few hundred MiB in another, slower way.
constexpr std::int64_t kMaxBucketBytes = 256 << 20;

constexpr ConfigKey kKeys[] = {{"model.name", ChoiceKey{[](Config & c) -> auto& {return c.model.name;
}
, kModels
}
, "The network to train."
}
, {"model.dropout", PairKey{[](Config & c) -> auto& {return c.model.dropout;
}
, {0, 1, true}, {
  0, 1, true
}
}
, "Share of values dropped behind the convolutions and behind the first dense layer.", "probability"
}
, {"model.init", FileKey{[](Config & c) -> auto& {return c.model.init;
}
, true
}
, "safetensors file with the parameters to start from; `\"\"`: LibTorch's initialisation from `run.seed`."
}
,

    {"data.path", FileKey{[](Config & c) -> auto& {return c.data.path;
}
, true
}
, "Folder with the four IDX files of MNIST, plain or gzip; `\"\"`: the data that comes with Runnel."
}
, {"data.shuffle", BoolKey{[](Config & c) -> auto& {return c.data.shuffle;
}
}
, "Whether each trainer goes through its share in a new order in each epoch."
}
, {"data.normalize", PairKey{[](Config & c) -> auto& {return c.data.normalize;
}
, {-1e6, 1e6}, {
  1e-6, 1e6
}
}
, "Mean and standard deviation: a pixel p in [0, 1] becomes (p - mean) / deviation."
}
,

    {"trainer.count", IntegerKey{[](Config & c) -> auto& {return c.trainer.count;
}
, 1, 1024
}
, "Number of trainers (`-n`); under mpirun it follows from the number of ranks.", "processes"
}
, {"trainer.batch_size", IntegerKey{[](Config & c) -> auto& {return c.trainer.batch_size;
}
, 1, kMaxBatch
}
, "Images in a trainer's gradient.", "images"
}
, {"trainer.test_batch_size", IntegerKey{[](Config & c) -> auto& {return c.trainer.test_batch_size;
}
, 1, kMaxBatch
}
, "Images in a forward pass of the test; 250 at most, as more only cost memory.", "images"
}
, {"trainer.threads", IntegerKey{[](Config & c) -> auto& {return c.trainer.threads;
}
, 1, 1024
}
, "LibTorch's threads in each trainer; another number may change the last bits of a gradient.", "threads"
}
, {"trainer.device", DevicesKey{[](Config & c) -> auto& {return c.trainer.device;
}
}
, "Where trainers compute: one device for all, or a list with one for each. `\"auto\"`: a GPU if there is one."
}
,

    {"generator.count", IntegerKey{[](Config & c) -> auto& {return c.generator.count;
}
, 1, 1
}
, "Number of generators. Parameters cannot be spread over several yet.", "processes"
}
, {"generator.device", DeviceKey{[](Config & c) -> auto& {return c.generator.device;
}
}
, "Where gradients are summed and parameters are updated."
}
, {"generator.threads", IntegerKey{[](Config & c) -> auto& {return c.generator.threads;
}
, 1, 256
}
, "Threads that sum and update; their number changes no bit of the result.", "threads"
}
,

    {"optimizer.name", ChoiceKey{[](Config & c) -> auto& {return c.optimizer.name;
}
, kRules
}
, "The update rule; runtime/README.md has the formulas."
}
, {"optimizer.lr", NumberKey{[](Config & c) -> auto& {return c.optimizer.lr;
}
, {
  0, 1e6
}
}
, "Learning rate before the schedule."
}
, {"optimizer.rho", NumberKey{[](Config & c) -> auto& {return c.optimizer.rho;
}
, {
  0, 1, true
}
}
, "Decay of the running averages.", "", with_rule(kAdadelta)
}
, {"optimizer.eps", NumberKey{[](Config & c) -> auto& {return c.optimizer.eps;
}
, {
  1e-30, 1
}
}
, "What keeps the denominator from zero.", "", with_rule(kRulesWithEps)
}
, {"optimizer.momentum", NumberKey{[](Config & c) -> auto& {return c.optimizer.momentum;
}
, {
  0, 1, true
}
}
, "Share of the last step that is made again.", "", with_rule(kSgd)
}
, {"optimizer.betas", PairKey{[](Config & c) -> auto& {return c.optimizer.betas;
}
, {0, 1, true}, {
  0, 1, true
}
}
, "Decay of the running mean and of the running mean square.", "", with_rule(kAdams)
}
, {"optimizer.weight_decay", NumberKey{[](Config & c) -> auto& {return c.optimizer.weight_decay;
}
, {
  0, 1e6
}
}
, "Added to the gradient, times the parameter; with adamw it shrinks the parameter instead."
}
, {"optimizer.reduce", ChoiceKey{[](Config & c) -> auto& {return c.optimizer.reduce;
}
, kReductions
}
, "Whether the trainers' gradients are summed or averaged."
}
, {"optimizer.schedule.name", ChoiceKey{[](Config & c) -> auto& {return c.optimizer.schedule.name;
}
, kSchedules
}
, "How the learning rate changes: not; by `gamma` every few epochs; to zero along a cosine over the whole run; by a "
  "linear start."
}
, {"optimizer.schedule.every_epochs", IntegerKey{[](Config & c) -> auto& {return c.optimizer.schedule.every_epochs;
}
, 1, kMaxCount
}
, "How long a learning rate lasts.", "epochs", with_schedule(kStep)
}
, {"optimizer.schedule.gamma", NumberKey{[](Config & c) -> auto& {return c.optimizer.schedule.gamma;
}
, {
  0, 10
}
}
, "What the learning rate is multiplied by.", "", with_schedule(kStep)
}
, {"optimizer.schedule.warmup_steps", IntegerKey{[](Config & c) -> auto& {return c.optimizer.schedule.warmup_steps;
}
, 0, kMaxCount
}
, "The learning rate rises linearly over so many steps before the schedule begins.", "steps",
    with_schedule(kSchedulesWithWarmup)
}
, {"optimizer.clip_norm", NumberKey{[](Config & c) -> auto& {return c.optimizer.clip_norm;
}
, {
  0, 1e30
}
}
, "Largest L2 norm of the reduced gradient; a longer one is shortened to it. 0: off."
}
,

    {"transport.path", ChoiceKey{[](Config & c) -> auto& {return c.transport.path;
}
, kPaths
}
, "How bytes reach a peer. `\"auto\"`: the best that works; another value forces one, for tests and comparison."
}
, {"transport.require", ChoiceKey{[](Config & c) -> auto& {return c.transport.require;
}
, kRequirements
}
, "The run ends unless every pair of processes reaches at least this path."
}
, {"transport.interface", TextKey{[](Config & c) -> auto& {return c.transport.interface;
}
}
, "Network interface for peers on other hosts. `\"auto\"`: UCX chooses."
}
, {"transport.bucket_bytes", IntegerKey{[](Config & c) -> auto& {return c.transport.bucket_bytes;
}
, kBlockBytes, kMaxBucketBytes, kBlockBytes
}
, "Unit of transfer, reduction and overlap. It changes no bit of the result.", "bytes"
}
,

    {"run.max_epochs", IntegerKey{[](Config & c) -> auto& {return c.run.max_epochs;
}
, 1, kMaxCount
}
, "Passes over the data after which the run ends.", "epochs"
}
, {"run.max_gradients", IntegerKey{[](Config & c) -> auto& {return c.run.max_gradients;
}
, 0, kMaxCount
}
, "Gradients, counted over all trainers, after which the run ends if it has not ended before. 0: no limit.", "gradients"
}
, {"run.seed", IntegerKey{[](Config & c) -> auto& {return c.run.seed;
}
, 0, kMaxSeed
}
, "What initialisation, shuffling and dropout are drawn from."
}
, {"run.timeout_s", NumberKey{[](Config & c) -> auto& {return c.run.timeout_s;
}
, {
  0.1, 86400
}
}
, "How long a process waits for another one before it gives up.", "seconds"
}
, {"run.log_every", IntegerKey{[](Config & c) -> auto& {return c.run.log_every;
}
, 1, kMaxCount
}
, "Steps between two log lines when the output is not a terminal.", "steps"
}
, {"run.report", FileKey{[](Config & c) -> auto& {return c.run.report;
}
, false
}
, "Where the run report is written (JSON); `\"\"`: nowhere."
}
, {"run.save", FileKey{[](Config & c) -> auto& {return c.run.save;
}
, false
}
, "Where the parameters are written at the end (safetensors); `\"\"`: nowhere."
}
,
}
;

// PyTorch's, but for Adadelta's learning rate, which is that of the reference workflow (PyTorch: 1.0).
constexpr RuleDefaults kRuleDefaults[] = {
    {"adadelta", 0.1, 1e-6, 0.0}, {"sgd", 1e-3, 1e-6, 0.0}, {"adam", 1e-3, 1e-8, 0.0}, {"adamw", 1e-3, 1e-8, 1e-2}};

}  // namespace

std::span<const ConfigKey> config_keys() {
  return kKeys;
}

const ConfigKey* find_config_key(std::string_view path) {
  const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const auto& k) { return k.path == path; });
  return key == std::end(kKeys) ? nullptr : key;
}

bool has_effect(const ConfigKey& key, const Config& config) {
  if (key.only_with.field == nullptr) return true;
  // A field gives access for writing; here it only reads.
  const std::string& value = key.only_with.field(const_cast<Config&>(config));
  return std::ranges::find(key.only_with.values, value) != key.only_with.values.end();
}

std::span<const RuleDefaults> rule_defaults() {
  return kRuleDefaults;
}

}  // namespace runnel
