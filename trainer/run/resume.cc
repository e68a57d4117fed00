// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/resume.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "runtime/checkpoint/checkpoint_list.h"
#include "runtime/config/choices.h"
#include "runtime/config/optimizer_states.h"
#include "trainer/torch/scalar_type.h"
#include "transport/log.h"

namespace runnel {
namespace {

using Json = nlohmann::json;

/// Keys that change no bit of a run, or that are its user's to change between two starts. All others give the run its
/// meaning.
constexpr std::array<std::string_view, 5> kFreeTables = {"generator.", "transport.", "checkpoint.",
                                                         "optimizer.schedule.", "run."};
constexpr std::array<std::string_view, 13> kFreeKeys = {
    "model.file",         "model.init",     "model.init_prefix", "data.path",
    "data.test_path",     "data.prefetch",  "trainer.count",     "trainer.test_batch_size",
    "trainer.threads",    "trainer.device", "optimizer.lr",      "optimizer.weight_decay",
    "optimizer.clip_norm"};

bool is_free(std::string_view key) {
  if (key == "run.seed") return false;
  return std::ranges::find(kFreeKeys, key) != kFreeKeys.end() ||
         std::ranges::any_of(kFreeTables, [&](std::string_view table) { return key.starts_with(table); });
}

/// Of a free setting, whether a difference says nothing: how a run is carried out, not what it computes.
bool is_told(std::string_view key) {
  return !key.starts_with("checkpoint.");
}

std::optional<Checkpoint> newest(const CheckpointConfig& config, bool speaks) {
  NewestGood found = newest_good(config.directory);
  if (!speaks) return std::move(found.checkpoint);
  for (const std::string& problem : found.problems) log_warning(problem + "; an older checkpoint is taken");
  if (!found.checkpoint) {
    std::printf("no checkpoint in %s: the run starts from step 0\n", config.directory.c_str());
    std::fflush(stdout);
  }
  return std::move(found.checkpoint);
}

/// A new run must not mix its checkpoints with those of another one.
void require_no_checkpoints(const CheckpointConfig& config) {
  if (!config.is_on() || !std::filesystem::exists(config.directory)) return;
  for (const ListedCheckpoint& listed : list_checkpoints(config.directory)) {
    if (!listed.checkpoint) continue;
    throw RunError(ExitStatus::bad_configuration, "key 'checkpoint.directory': " + config.directory +
                                                      " has checkpoints up to step " + std::to_string(listed.step) +
                                                      "; add --resume to go on from there, or choose another folder");
  }
}

}  // namespace

std::optional<Checkpoint> checkpoint_to_resume(const CheckpointConfig& config,
                                               const std::optional<LaunchPlace>& place) {
  const bool speaks = !place || (place->rank == 0 && !started_by_launcher());
  if (config.resume.empty()) {
    if (speaks) require_no_checkpoints(config);
    return std::nullopt;
  }
  if (config.resume == CheckpointConfig::kNewest) return newest(config, speaks);
  Checkpoint checkpoint(config.resume);
  if (speaks) checkpoint.verify();
  return checkpoint;
}

void adopt_seats(Config& config, const Checkpoint& checkpoint) {
  const int seats = checkpoint.manifest().seats;
  if (config.trainer.seats == 0) config.trainer.seats = seats;
  if (config.trainer.count <= config.trainer.seats) return;
  throw RunError(ExitStatus::bad_configuration, checkpoint.folder().string() + " is of a run with " +
                                                    std::to_string(seats) + " seats, which " +
                                                    std::to_string(config.trainer.count) +
                                                    " trainers cannot share; start at most " + std::to_string(seats));
}

Manifest describe_run(const Config& config, const TrainedModel& model, const std::string& data) {
  Manifest manifest = {.seats = static_cast<int>(config.trainer.seat_count()),
                       .trainers = static_cast<int>(config.trainer.count),
                       .optimizer = std::string(word_of(config.optimizer.name)),
                       .data = data};
  for (const std::string_view state : optimizer_states(config.optimizer)) manifest.states.emplace_back(state);
  const auto& all = model.tensors().all();
  const std::vector<BucketLayout::Tensor> exchanged = model.tensors().shapes();
  manifest.tensors.resize(exchanged.size());
  for (const ModelTensor& one : all) {
    CheckpointTensor tensor = {
        .names = one.names, .shape = one.tensor.sizes().vec(), .type = *element_type_of(one.tensor.scalar_type())};
    if (one.place) {
      tensor.rule = exchanged[*one.place].rule;
      manifest.tensors[*one.place] = std::move(tensor);
    } else {
      manifest.tensors.push_back(std::move(tensor));
    }
  }
  for (const auto& [key, value] : config_values(config)) {
    if (key == "trainer.seats" || key == "optimizer.name") continue;
    if (!is_free(key)) manifest.fixed_settings.emplace(key, value);
    if (is_free(key) && is_told(key)) manifest.free_settings.emplace(key, value);
  }
  return manifest;
}

RunHistory RunHistory::of(const Checkpoint& checkpoint) {
  const Json account = Json::parse(checkpoint.manifest().account, nullptr, /*allow_exceptions=*/false);
  try {
    return {.starts = account.at("starts").get<std::int64_t>() + 1,
            .seconds = account.at("seconds").get<double>(),
            .tests = account.at("tests").dump(),
            .tested_version =
                account.at("tests").empty() ? 0 : account.at("tests").back().at("version").get<std::int64_t>()};
  } catch (const Json::exception&) {
    throw RunError(ExitStatus::bad_data, (checkpoint.folder() / kManifestName).string() +
                                             ": expected the account of a run of runnel train, found another one; was "
                                             "it written by this program?");
  }
}

RunStart start_from(const Checkpoint& checkpoint, const RunHistory& history, const RunPlan& plan) {
  const std::int64_t step = checkpoint.manifest().step;
  if (step > plan.total_steps()) {
    throw RunError(ExitStatus::bad_configuration, checkpoint.folder().string() + " is after step " +
                                                      std::to_string(step) + ", and the run ends after " +
                                                      std::to_string(plan.total_steps()) +
                                                      "; raise run.max_epochs, run.max_gradients or run.max_steps");
  }
  const bool tested = history.tested_version == step;
  return {.step = step, .tests_first = step == plan.total_steps() || (plan.test_after(step - 1) && !tested)};
}

void load_others(const Checkpoint& checkpoint, const TrainedTensors& tensors) {
  const at::NoGradGuard no_grad;
  for (const ModelTensor& one : tensors.all()) {
    if (one.place) continue;
    const StoredTensor* stored = checkpoint.other(one.names.front());
    if (stored == nullptr || stored->bytes.empty()) continue;  // compared before; without elements
    const at::Tensor loaded = at::empty(stored->shape, scalar_type_of(stored->type));
    std::memcpy(loaded.mutable_data_ptr(), stored->bytes.data(), stored->bytes.size());
    one.tensor.copy_(loaded);
  }
}

}  // namespace runnel
