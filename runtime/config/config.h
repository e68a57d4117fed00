// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/config/choices.h"
#include "runtime/config/device_name.h"
#include "runtime/config/option_table.h"

namespace runnel {

/// An error in the configuration: one line that begins with its place, `FILE:LINE:COLUMN` or `--set TEXT`. Exit status
/// 66 when the file cannot be read, 64 for a `--set` that is not KEY=VALUE, 78 for everything else.
class ConfigError : public RunError {
 public:
  using RunError::RunError;
};

// The effective configuration: every value is checked, and the initialisers are the defaults. Meaning, unit and range
// of each key stand in the reference table of trainer/configs/README.md, which is printed from the schema.

struct ModelConfig {
  std::string name = "mnist-cnn";
  std::string file;         ///< absolute path of what the model is made from; empty: none
  std::string init;         ///< absolute path of a safetensors file; empty: the model's own values
  std::string init_prefix;  ///< what all names in `init` begin with
  BufferRule buffers = BufferRule::average;
  OptionTable options;

  bool operator==(const ModelConfig&) const = default;
};

struct ObjectiveConfig {
  std::string name = "nll";
  OptionTable options;

  bool operator==(const ObjectiveConfig&) const = default;
};

struct DataConfig {
  std::string name = "mnist";
  std::string path;          ///< absolute; empty: none
  std::string test_path;     ///< as path, of what is tested with
  double test_fraction = 0;  ///< of the samples in path; 0: none
  std::int64_t split_seed = 1;
  Shuffle shuffle = Shuffle::global;
  bool drop_last = false;
  std::int64_t prefetch = 2;  ///< steps whose batches are read ahead; 0: none
  OptionTable options;

  bool operator==(const DataConfig&) const = default;
};

struct TrainerConfig {
  std::int64_t count = 2;
  std::int64_t seats = 0;  ///< 0: as many as trainers
  std::int64_t batch_size = 1000;
  std::int64_t test_batch_size = 250;
  std::int64_t threads = 1;
  KernelSet kernels = KernelSet::own;
  std::vector<DeviceName> device = std::vector<DeviceName>(1);  ///< one for all, or one per trainer: see device_of()

  /// Number of parts of the data, and of gradients in a step.
  std::int64_t seat_count() const { return seats > 0 ? seats : count; }

  const DeviceName& device_of(std::size_t trainer) const { return device[device.size() == 1 ? 0 : trainer]; }

  bool operator==(const TrainerConfig&) const = default;
};

struct GeneratorConfig {
  std::int64_t count = 1;
  DeviceName device;
  std::int64_t threads = 1;

  bool operator==(const GeneratorConfig&) const = default;
};

struct ScheduleConfig {
  ScheduleKind name = ScheduleKind::constant;
  std::int64_t every_epochs = 1;
  double gamma = 0.1;
  std::int64_t warmup_steps = 0;

  bool operator==(const ScheduleConfig&) const = default;
};

struct OptimizerConfig {
  RuleKind name = RuleKind::adadelta;
  double lr = 0.1;
  double rho = 0.9;
  double eps = 1e-6;
  double momentum = 0.0;
  std::array<double, 2> betas = {0.9, 0.999};
  double weight_decay = 0.0;
  ReduceKind reduce = ReduceKind::sum;
  ScheduleConfig schedule;
  double clip_norm = 0.0;

  bool operator==(const OptimizerConfig&) const = default;
};

struct TransportConfig {
  std::optional<Path> path;  ///< the one that is forced; nothing: the best that works
  RequiredPath require = RequiredPath::any;
  std::string interface = "auto";
  std::int64_t bucket_bytes = 1 << 20;

  bool operator==(const TransportConfig&) const = default;
};

struct CheckpointConfig {
  static constexpr std::string_view kNewest = "newest";

  std::string directory;         ///< absolute; empty: no checkpoints
  std::int64_t every_steps = 0;  ///< 0: by time only
  double every_s = 300.0;        ///< 0: by steps only
  std::int64_t keep = 3;
  double grace_s = 20.0;
  bool on_signal = true;
  bool required = false;
  std::string resume;  ///< absolute path of a checkpoint, or kNewest; empty: the run starts from the beginning

  bool is_on() const { return !directory.empty(); }

  std::chrono::milliseconds grace() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(grace_s));
  }

  bool operator==(const CheckpointConfig&) const = default;
};

struct RunConfig {
  std::int64_t max_epochs = 2;
  std::int64_t max_gradients = 100;
  std::int64_t max_steps = 0;
  std::int64_t seed = 1;
  double timeout_s = 60.0;
  std::int64_t log_every = 10;
  bool pin = false;
  NonfiniteAction on_nonfinite = NonfiniteAction::stop;
  std::string report;  ///< absolute path of an output file; empty: none
  std::string save;    ///< as report
  std::string trace;   ///< as report

  bool operator==(const RunConfig&) const = default;
};

struct Config {
  ModelConfig model;
  ObjectiveConfig objective;
  DataConfig data;
  TrainerConfig trainer;
  GeneratorConfig generator;
  OptimizerConfig optimizer;
  TransportConfig transport;
  CheckpointConfig checkpoint;
  RunConfig run;

  bool operator==(const Config&) const = default;
};

/// What a command line adds to a configuration file.
struct ConfigOptions {
  std::vector<std::string> sets;           ///< `key=value`; wins over the file, and a later one over an earlier one
  std::filesystem::path default_data_dir;  ///< data.path of the default data set unless the configuration gives it
  int ranks = 0;  ///< started by mpirun: trainer.count becomes ranks - generator.count; 0: not under mpirun

  /// Values that keys such as model.name can have; those of a key that is not here are not checked.
  std::map<std::string, std::vector<std::string>, std::less<>> known_names = {};

  /// Gets a line for the user when keys of the file are ignored because `sets` choose another optimizer.
  std::function<void(const std::string& line)> on_notice = {};
};

/// Reads and checks a configuration. With an empty `file`, from the defaults and `options` only.
///
/// Where `sets` choose another optimizer than the file, the file's rule_keys() (config_schema.h) are ignored. Relative
/// input paths (data.path, data.test_path, model.file, model.init, checkpoint.resume) are taken from the folder of
/// `file`, or from the working directory when given by `options.sets`. Throws `ConfigError` for the first error in the
/// order of the file. Any thread.
Config load_config(const std::filesystem::path& file, const ConfigOptions& options = {});

/// The same for text in memory; `name` stands for the file in messages and for relative paths.
Config parse_config(std::string_view text, const std::filesystem::path& name, const ConfigOptions& options = {});

/// The effective configuration as TOML: each key that has an effect, with absolute paths. Loading it gives an
/// equal configuration.
std::string print_toml(const Config& config);

/// `value` as a TOML basic string, which with its escapes is a JSON string as well: for a `--set` of any text.
std::string quoted(const std::string& value);

/// All keys in the order of the schema, those of free tables one by one, each with its value in a syntax that TOML and
/// JSON share.
std::vector<std::pair<std::string, std::string>> config_values(const Config& config);

/// The optimizer's keys that have an effect, in one line: `name = "sgd", lr = 0.001, …`.
std::string optimizer_summary(const Config& config);

/// `key = value` lines of all keys that must agree between the ranks of a job: the same keys in the same order for
/// every configuration. Left out are file names, which may differ from host to host.
std::vector<std::string> canonical_lines(const Config& config);

/// The reference table of trainer/configs/README.md, in Markdown, one row a key.
std::string reference_table_markdown();

}  // namespace runnel
