// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/config/options.h"
#include "trainer/compute/objective.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"
#include "trainer/model/model.h"

namespace runnel {

/// The models, data sets and objectives that `model.name`, `data.name` and `objective.name` can choose.
///
/// A program adds its own and calls `run_program`: the configuration, `--help` and messages about unknown names then
/// know their names. A function that makes one throws `RunError` for wrong options or files; an option that it does not
/// read is an error. Thread: one at a time.
class Registry {
 public:
  struct ModelPlan {
    const Options& options;  ///< [model.options]
    std::string file;        ///< model.file, absolute; empty: none
    c10::Device device;      ///< where its passes will run
  };
  struct DataPlan {
    const Options& options;  ///< [data.options]
    std::string path;        ///< data.path, absolute; empty: none
    Split split = Split::train;
    bool only_size = false;        ///< only `Dataset::size()`, `fields()` and `fingerprint()` will be called
    std::string test_path = {};    ///< data.test_path, absolute; empty: none
    double test_fraction = 0;      ///< data.test_fraction; 0: none
    std::uint64_t split_seed = 1;  ///< data.split_seed
    bool scattered = false;        ///< samples will be read in random order, not one after the other
  };

  /// Makes a model. Tensors on the CPU are moved to the device later, so that values drawn there are the same for every
  /// device. LibTorch is seeded with run.seed.
  using MakeModel = std::function<std::unique_ptr<Model>(const ModelPlan&)>;
  using MakeDataset = std::function<std::unique_ptr<Dataset>(const DataPlan&)>;
  using MakeObjective = std::function<std::unique_ptr<Objective>(const Options&)>;

  /// Holds what comes with Runnel.
  Registry();

  /// A name that is there already is replaced.
  void add_model(const std::string& name, MakeModel make) { models_[name] = std::move(make); }
  void add_dataset(const std::string& name, MakeDataset make) { datasets_[name] = std::move(make); }
  void add_objective(const std::string& name, MakeObjective make) { objectives_[name] = std::move(make); }

  /// All names, for `ConfigOptions::known_names`.
  std::map<std::string, std::vector<std::string>, std::less<>> names() const;

  /// What the configuration chooses. Throws `RunError`: what the functions above throw, and 78 for an unknown option.
  std::unique_ptr<Dataset> make_dataset(const Config& config, Split split, bool only_size = false) const;
  std::unique_ptr<Objective> make_objective(const Config& config) const;

  /// The model with its objective, on `device`: on every device with the values that LibTorch gives it on the CPU.
  TrainedModel make_model(const Config& config, c10::Device device = c10::DeviceType::CPU) const;

 private:
  std::map<std::string, MakeModel> models_;
  std::map<std::string, MakeDataset> datasets_;
  std::map<std::string, MakeObjective> objectives_;
};

}  // namespace runnel
