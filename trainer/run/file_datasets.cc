// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/file_datasets.h"

#include <memory>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/dataset/array_dataset.h"
#include "trainer/dataset/array_source.h"
#include "trainer/dataset/split_dataset.h"
#include "trainer/dataset/token_dataset.h"

namespace runnel {
namespace {

using DataPlan = Registry::DataPlan;

[[noreturn]] void fail(const std::string& key, const std::string& what) {
  throw RunError(ExitStatus::bad_configuration, "key '" + key + "': " + what);
}

void require_path(const DataPlan& plan, const std::string& name) {
  if (plan.path.empty()) fail("data.path", "data set '" + name + "' needs the file or folder that it is in");
}

/// Throws unless exactly one of the keys and options gives test data.
void require_one_split(const DataPlan& plan, const std::string& name, bool has_test_arrays) {
  const int ways = (plan.test_path.empty() ? 0 : 1) + (plan.test_fraction > 0 ? 1 : 0) + (has_test_arrays ? 1 : 0);
  if (ways == 1) return;
  if (ways == 0) {
    fail("data.test_fraction", "data set '" + name +
                                   "' has no test data; set data.test_fraction = 0.1, or data.test_path to a file "
                                   "or folder in the format of data.path");
  }
  fail(plan.test_fraction > 0 ? "data.test_fraction" : "data.test_path",
       "test data are given more than once; keep one of data.test_path, data.test_fraction and "
       "data.options.test_inputs");
}

std::string path_of_split(const DataPlan& plan) {
  return plan.split == Split::test && !plan.test_path.empty() ? plan.test_path : plan.path;
}

/// The split that `plan` wants of `samples`, where both are in them.
std::unique_ptr<Dataset> part_of(std::unique_ptr<Dataset> samples, const DataPlan& plan) {
  if (plan.test_fraction == 0) return samples;
  return std::make_unique<SplitDataset>(std::move(samples), SplitDataset::Settings{.test_fraction = plan.test_fraction,
                                                                                   .seed = plan.split_seed,
                                                                                   .split = plan.split,
                                                                                   .only_size = plan.only_size});
}

std::unique_ptr<Dataset> make_from(const ArraySource& source, const DataPlan& plan, const ArrayChoice& choice,
                                   std::vector<std::string> field_names) {
  return make_array_dataset({.options = plan.options,
                             .source = source,
                             .place = path_of_split(plan),
                             .choice = choice,
                             .field_names = std::move(field_names),
                             .split = plan.split,
                             .only_headers = plan.only_size,
                             .scattered = plan.scattered});
}

/// The options `test_inputs` and `test_target`; no inputs where they are not given.
ArrayChoice test_choice(const Options& options, const ArrayChoice& train) {
  ArrayChoice choice{options.texts("test_inputs", {}), options.text("test_target", "")};
  if (choice.inputs.empty() && !choice.target.empty()) options.fail("test_target", "test_inputs as well");
  if (choice.inputs.empty()) return choice;
  if (choice.inputs.size() != train.inputs.size()) {
    options.fail("test_inputs", std::to_string(train.inputs.size()) + " names, as many as there are inputs");
  }
  if (choice.target.empty() != train.target.empty()) {
    options.fail("test_inputs", train.target.empty() ? "no test_target, as there is no target" : "test_target as well");
  }
  return choice;
}

std::unique_ptr<Dataset> make_arrays(const DataPlan& plan, const std::string& name, MakeArraySource make_source) {
  require_path(plan, name);
  const auto train = make_source(plan.path);
  const ArrayChoice choice = choose_arrays(
      plan.options,
      {.names = [&] { return train->names(); }, .place = plan.path, .rest_is_input = train->rest_is_input()});
  const bool is_table = train->rest_is_input();
  const ArrayChoice of_test = is_table ? ArrayChoice() : test_choice(plan.options, choice);
  require_one_split(plan, name, !of_test.inputs.empty());
  const bool has_own_names = plan.split == Split::test && !of_test.inputs.empty();
  return part_of(
      make_from(*make_source(path_of_split(plan)), plan, has_own_names ? of_test : choice, train->field_names(choice)),
      plan);
}

std::unique_ptr<Dataset> make_cifar(const DataPlan& plan) {
  require_path(plan, "cifar");
  require_no_split(plan, "cifar");
  const std::int64_t classes = plan.options.integer("classes", 10);
  if (classes != 10 && classes != 100) plan.options.fail("classes", "10 or 100");
  const auto source = make_cifar_source(plan.path, classes == 10 ? Cifar::ten : Cifar::hundred, plan.split);
  std::vector<std::string> targets = {"label"};
  if (classes == 100) targets.emplace_back("coarse");
  const ArrayChoice choice{{"image"}, plan.options.word("target", "label", targets)};
  return make_from(*source, plan, choice, source->field_names(choice));
}

std::unique_ptr<Dataset> make_tokens(const DataPlan& plan) {
  constexpr OptionRange<std::int64_t> kSize = {.min = 1, .max = 1 << 20};
  require_path(plan, "tokens");
  require_one_split(plan, "tokens", /*has_test_arrays=*/false);
  const Options& options = plan.options;
  TokenDataset::Settings settings{.path = path_of_split(plan), .scattered = plan.scattered};
  if (options.word("type", "uint16", {"uint16", "uint32"}) == "uint32") settings.type = ElementType::uint32;
  settings.context = options.integer("context", settings.context, kSize);
  settings.stride = options.integer("stride", settings.context, {.min = 1, .max = std::int64_t{1} << 32});
  settings.vocabulary = options.integer("vocabulary", 0, {.min = 0});
  return part_of(std::make_unique<TokenDataset>(settings), plan);
}

}  // namespace

void add_file_datasets(Registry& registry) {
  const std::vector<std::pair<std::string, MakeArraySource>> sources = {{"npy", make_npy_source},
                                                                        {"npz", make_npz_source},
                                                                        {"safetensors", make_safetensors_source},
                                                                        {"idx", make_idx_source},
                                                                        {"csv", make_csv_source}};
  for (const auto& source : sources) {
    registry.add_dataset(source.first,
                         [source](const DataPlan& plan) { return make_arrays(plan, source.first, source.second); });
  }
  registry.add_dataset("cifar", make_cifar);
  registry.add_dataset("tokens", make_tokens);
}

void require_no_split(const DataPlan& plan, const std::string& name) {
  if (plan.test_path.empty() && plan.test_fraction == 0) return;
  fail(plan.test_path.empty() ? "data.test_fraction" : "data.test_path",
       "data set '" + name + "' has test data of its own; remove the key");
}

}  // namespace runnel
