// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/file_datasets.h"

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "trainer/dataset/array_dataset.h"
#include "trainer/dataset/array_source.h"
#include "trainer/dataset/shared_arrays.h"
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

/// The split that `plan` wants of `samples`, where both are in them.
std::unique_ptr<Dataset> part_of(std::unique_ptr<Dataset> samples, const DataPlan& plan) {
  if (plan.test_fraction == 0) return samples;
  return std::make_unique<SplitDataset>(std::move(samples), SplitDataset::Settings{.test_fraction = plan.test_fraction,
                                                                                   .seed = plan.split_seed,
                                                                                   .split = plan.split,
                                                                                   .only_size = plan.only_size});
}

/// How the arrays of a configuration are opened: one split, or the other to compare it with.
struct ArrayReading {
  const DataPlan& plan;
  const ArraySource& source;
  std::string path;
  const ArrayChoice& choice;
  std::vector<std::string> field_names;
  bool only_headers;
};

ArrayPlan read_arrays(const ArrayReading& reading, SharedArrays& shared) {
  const std::string key = reading.path + '\n' + joined(reading.choice.all(), "\n") + (reading.only_headers ? "\n" : "");
  return {.options = reading.plan.options,
          .place = reading.path,
          .arrays = shared.get(key, [&] { return reading.source.read(reading.choice, reading.only_headers); }),
          .files = reading.source.files(reading.choice),
          .field_names = reading.field_names,
          .has_target = !reading.choice.target.empty(),
          .split = reading.plan.split,
          .scattered = reading.plan.scattered};
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

/// A format with several arrays.
struct ArrayFormat {
  std::string name;
  MakeArraySource make_source;
  std::shared_ptr<SharedArrays> shared = std::make_shared<SharedArrays>();
};

/// Compares `of_split` with the other split, which is in other files or arrays. A test needs no training data: those
/// that are not there are not compared.
void compare_splits(const DataPlan& plan, const ArrayPlan& of_split, const ArrayReading& other) {
  std::error_code error;
  const bool is_test = plan.split == Split::test;
  if (is_test && !std::filesystem::exists(other.path, error)) return;
  SharedArrays unshared;
  const ArrayPlan headers = read_arrays(other, unshared);
  require_alike(is_test ? headers : of_split, is_test ? of_split : headers);
}

std::unique_ptr<Dataset> make_arrays(const DataPlan& plan, const ArrayFormat& format) {
  require_path(plan, format.name);
  const auto train = format.make_source(plan.path);
  const bool is_table = train->rest_is_input();
  const ArrayChoice choice = choose_arrays(
      plan.options, {.names = [&] { return train->names(); }, .place = plan.path, .rest_is_input = is_table});
  const ArrayChoice own = is_table ? ArrayChoice() : test_choice(plan.options, choice);
  require_one_split(plan, format.name, !own.inputs.empty());
  const std::vector<std::string> names = train->field_names(choice);
  choice.require_distinct(names, plan.path);
  const std::string test_path = plan.test_path.empty() ? plan.path : plan.test_path;
  const auto test = format.make_source(test_path);
  const ArrayReading of_train = {plan, *train, plan.path, choice, names, plan.only_size || plan.split == Split::test};
  const ArrayReading of_test = {
      plan, *test, test_path, own.inputs.empty() ? choice : own, names, plan.only_size || plan.split == Split::train};
  const bool is_test = plan.split == Split::test;
  const ArrayPlan arrays = read_arrays(is_test ? of_test : of_train, *format.shared);
  // A table's columns have names and one type, and its header tells no more than that.
  if (plan.test_fraction == 0 && !is_table) compare_splits(plan, arrays, is_test ? of_train : of_test);
  return part_of(make_array_dataset(arrays), plan);
}

std::unique_ptr<Dataset> make_cifar(const DataPlan& plan) {
  require_path(plan, "cifar");
  require_no_split(plan, "cifar");
  const std::int64_t classes = plan.options.integer("classes", 10);
  if (classes != 10 && classes != 100) plan.options.fail("classes", "10 or 100");
  const auto source = make_cifar_source(plan.path, classes == 10 ? Cifar::ten : Cifar::hundred, plan.split);
  using Names = std::vector<std::string>;
  const Names targets = classes == 10 ? Names{"label"} : Names{"label", "coarse"};
  const ArrayChoice choice{{"image"}, plan.options.word("target", "label", targets)};
  SharedArrays unshared;  // each split has files of its own
  return make_array_dataset(
      read_arrays({plan, *source, plan.path, choice, source->field_names(choice), plan.only_size}, unshared));
}

std::unique_ptr<Dataset> make_tokens(const DataPlan& plan) {
  constexpr OptionRange<std::int64_t> kSize = {.min = 1, .max = 1 << 20};
  require_path(plan, "tokens");
  require_one_split(plan, "tokens", /*has_test_arrays=*/false);
  const Options& options = plan.options;
  TokenDataset::Settings settings{
      .path = plan.split == Split::test && !plan.test_path.empty() ? plan.test_path : plan.path,
      .scattered = plan.scattered,
      .test_fraction = plan.test_fraction,
      .split = plan.split};
  if (options.word("type", "uint16", {"uint16", "uint32"}) == "uint32") settings.type = ElementType::uint32;
  settings.context = options.integer("context", settings.context, kSize);
  settings.stride = options.integer("stride", settings.context, {.min = 1, .max = std::int64_t{1} << 32});
  settings.vocabulary = options.integer("vocabulary", 0, {.min = 0});
  return std::make_unique<TokenDataset>(settings);
}

}  // namespace

void add_file_datasets(Registry& registry) {
  const std::vector<ArrayFormat> formats = {{"npy", make_npy_source},
                                            {"npz", make_npz_source},
                                            {"safetensors", make_safetensors_source},
                                            {"idx", make_idx_source},
                                            {"csv", make_csv_source}};
  for (const ArrayFormat& format : formats) {
    registry.add_dataset(format.name, [format](const DataPlan& plan) { return make_arrays(plan, format); });
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
