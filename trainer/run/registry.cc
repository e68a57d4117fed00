// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/registry.h"

#include <ATen/Context.h>

#include <utility>

#include "runtime/base/run_error.h"
#include "trainer/compute/objectives.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/dataset/synthetic_dataset.h"
#include "trainer/model/exported_model.h"
#include "trainer/model/gpt.h"
#include "trainer/model/mlp.h"
#include "trainer/model/mnist_networks.h"
#include "trainer/model/resnet.h"
#include "trainer/model/torchscript_model.h"
#include "trainer/run/file_datasets.h"

namespace runnel {
namespace {

std::unique_ptr<Dataset> make_mnist(const Registry::DataPlan& plan) {
  require_no_split(plan, "mnist");
  constexpr double kLargest = 1e6;
  IdxDataset::Settings settings{.folder = plan.path, .split = plan.split, .only_size = plan.only_size};
  const auto normalize = plan.options.numbers("normalize", {settings.normalize[0], settings.normalize[1]},
                                              {-kLargest, kLargest}, /*fixed=*/true);
  constexpr double kSmallestDeviation = 1e-6;
  if (normalize[1] < kSmallestDeviation) plan.options.fail("normalize", "a mean and a deviation of at least 1e-06");
  settings.normalize = {normalize[0], normalize[1]};
  return std::make_unique<IdxDataset>(settings);
}

/// A model that is in `model.file`; `name` and `example` are for the message without one.
template <class FileModel>
std::unique_ptr<Model> make_from_file(const Registry::ModelPlan& plan, const char* name, const char* example) {
  if (!plan.file.empty()) return std::make_unique<FileModel>(plan.file, plan.device);
  throw RunError(ExitStatus::bad_configuration, std::string("key 'model.file': model '") + name +
                                                    "' needs the file that it is in, as in file = \"" + example + "\"");
}

template <class Make>
const Make& find(const std::map<std::string, Make>& all, const char* key, const std::string& name) {
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  throw RunError(ExitStatus::bad_configuration, std::string("key '") + key + "': there is no '" + name + "'");
}

template <class Make>
std::vector<std::string> names_of(const std::map<std::string, Make>& all) {
  std::vector<std::string> names;
  for (const auto& [name, make] : all) names.push_back(name);
  return names;
}

}  // namespace

Registry::Registry() {
  add_model("mnist-cnn", [](const ModelPlan& plan) { return make_mnist_cnn(plan.options); });
  add_model("mnist-mlp", [](const ModelPlan& plan) { return make_mnist_mlp(plan.options); });
  add_model("mlp", [](const ModelPlan& plan) { return make_mlp(plan.options); });
  add_model("resnet", [](const ModelPlan& plan) { return make_resnet(plan.options); });
  add_model("gpt", [](const ModelPlan& plan) { return make_gpt(plan.options); });
  add_model("export", [](const ModelPlan& plan) { return make_from_file<ExportedModel>(plan, "export", "net.pt2"); });
  add_model("torchscript",
            [](const ModelPlan& plan) { return make_from_file<TorchScriptModel>(plan, "torchscript", "net.pt"); });
  add_dataset("mnist", make_mnist);
  add_dataset("synthetic", [](const DataPlan& plan) {
    require_no_split(plan, "synthetic");
    return make_synthetic(plan.options, plan.split);
  });
  add_file_datasets(*this);
  add_objective("nll", make_nll);
  add_objective("cross_entropy", make_cross_entropy);
  add_objective("mse", make_mse);
  add_objective("l1", make_l1);
  add_objective("bce_with_logits", make_bce_with_logits);
  add_objective("output", make_output_loss);
}

std::map<std::string, std::vector<std::string>, std::less<>> Registry::names() const {
  return {
      {"model.name", names_of(models_)}, {"data.name", names_of(datasets_)}, {"objective.name", names_of(objectives_)}};
}

std::unique_ptr<Dataset> Registry::make_dataset(const Config& config, Split split, bool only_size) const {
  const Options options(config.data.options, "data.options");
  const DataPlan plan{.options = options,
                      .path = config.data.path,
                      .split = split,
                      .only_size = only_size,
                      .test_path = config.data.test_path,
                      .test_fraction = config.data.test_fraction,
                      .split_seed = static_cast<std::uint64_t>(config.data.split_seed),
                      .scattered = split == Split::train && config.data.shuffle != Shuffle::no};
  auto dataset = find(datasets_, "data.name", config.data.name)(plan);
  options.require_all_read("data set '" + config.data.name + "'");
  return dataset;
}

std::unique_ptr<Objective> Registry::make_objective(const Config& config) const {
  const Options options(config.objective.options, "objective.options");
  auto objective = find(objectives_, "objective.name", config.objective.name)(options);
  options.require_all_read("objective '" + config.objective.name + "'");
  return objective;
}

TrainedModel Registry::make_model(const Config& config, c10::Device device) const {
  const Options options(config.model.options, "model.options");
  at::manual_seed(static_cast<std::uint64_t>(config.run.seed));
  auto model = find(models_, "model.name", config.model.name)({options, config.model.file, device});
  options.require_all_read("model '" + config.model.name + "'");
  return {std::move(model), make_objective(config), device, config.model.buffers != BufferRule::local};
}

}  // namespace runnel
