// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "trainer/torch/scalar_type.h"
#include "trainer/torch/tensor_text.h"

namespace runnel {
namespace {

std::string in_quotes(const std::string& name) {
  return '"' + printable(name, 200) + '"';
}

void require_storable(const ModelTensor& one) {
  if (element_type_of(one.tensor.scalar_type()) && one.tensor.layout() == at::kStrided) return;
  throw RunError(ExitStatus::bad_configuration,
                 "the model's tensor " + in_quotes(one.names.front()) + " is " + type_text(one.tensor.scalar_type()) +
                     (one.tensor.layout() == at::kStrided ? "" : " and sparse") +
                     ", which model.init and run.save cannot hold; change the tensor, or set neither");
}

SafetensorsFile open_file(const std::string& file) {
  try {
    return SafetensorsFile(file);
  } catch (const RunError& error) {
    if (error.status() != ExitStatus::input_missing) throw;
    throw RunError(error.status(), std::string(error.what()) + "; key 'model.init' names the file to start from");
  }
}

/// The file of model.init, whose names begin with model.init_prefix.
class StartFile {
 public:
  StartFile(const ModelConfig& config, const std::vector<ModelTensor>& model)
      : path_(config.init),
        prefix_(config.init_prefix),
        buffers_may_be_missing_(config.buffers == BufferRule::local),
        model_(model),
        file_(open_file(config.init)) {
    for (const StoredTensor& stored : file_.tensors()) {
      if (!stored.name.starts_with(prefix_)) {
        refuse("tensor " + in_quotes(stored.name) + ": expected a name that begins with " + in_quotes(prefix_) +
               ", because of key 'model.init_prefix'");
      }
    }
  }

  void load() const {
    const at::NoGradGuard no_grad;
    for (const ModelTensor& one : model_) {
      if (const StoredTensor* stored = find(one)) load(one, *stored);
    }
    require_nothing_else();
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw RunError(ExitStatus::bad_data, path_ + ": " + what); }

  /// What the file has for `one`; null where it may be missing. Checks all of its names.
  const StoredTensor* find(const ModelTensor& one) const {
    const StoredTensor* found = nullptr;
    for (const std::string& name : one.names) {
      const StoredTensor* const stored = file_.find(prefix_ + name);
      if (stored == nullptr) continue;
      require_alike(one, *stored);
      if (found != nullptr && !std::ranges::equal(found->bytes, stored->bytes)) {
        refuse("tensors " + in_quotes(found->name) + " and " + in_quotes(stored->name) +
               " differ, but in the model they are one");
      }
      found = stored;
    }
    if (found == nullptr && !may_be_missing(one)) refuse_missing(one);
    return found;
  }

  bool may_be_missing(const ModelTensor& one) const { return buffers_may_be_missing_ && one.is_buffer; }

  void require_alike(const ModelTensor& one, const StoredTensor& stored) const {
    const at::ScalarType type = scalar_type_of(stored.type);
    if (type == one.tensor.scalar_type() && one.tensor.sizes().equals(stored.shape)) return;
    refuse("tensor " + in_quotes(stored.name) + ": the model has " +
           tensor_text(one.tensor.scalar_type(), one.tensor.sizes()) + ", the file has " +
           tensor_text(type, stored.shape));
  }

  [[noreturn]] void refuse_missing(const ModelTensor& one) const {
    const std::string expected = "expected tensor " + joined(one.names, " or ", in_quotes) + ' ' +
                                 tensor_text(one.tensor.scalar_type(), one.tensor.sizes()) + " of the model, found ";
    const std::string prefix = common_prefix();
    if (prefix.empty()) refuse(expected + "none");
    // Such as DistributedDataParallel ("module.") and torch.compile ("_orig_mod.") put there.
    const auto has = [&](const std::string& name) { return file_.find(prefix + name) != nullptr; };
    refuse(expected + in_quotes(prefix + *std::ranges::find_if(one.names, has)) +
           "; set model.init_prefix = " + in_quotes(prefix) + " to read the names without it");
  }

  /// What the file has before the names of all the model's tensors, such as "module."; empty where that is nothing or
  /// differs.
  std::string common_prefix() const {
    for (const StoredTensor& candidate : file_.tensors()) {
      for (const std::string& name : model_.front().names) {
        if (!candidate.name.ends_with('.' + name)) continue;
        const std::string prefix = candidate.name.substr(0, candidate.name.size() - name.size());
        if (has_all(prefix)) return prefix;
      }
    }
    return "";
  }

  /// Whether the file has all tensors that it must have, with `prefix` before their names.
  bool has_all(const std::string& prefix) const {
    const auto has = [&](const std::string& name) { return file_.find(prefix + name) != nullptr; };
    return std::ranges::all_of(
        model_, [&](const ModelTensor& one) { return may_be_missing(one) || std::ranges::any_of(one.names, has); });
  }

  void load(const ModelTensor& one, const StoredTensor& stored) const {
    const at::Tensor loaded = at::empty(stored.shape, scalar_type_of(stored.type));
    if (!stored.bytes.empty()) std::memcpy(loaded.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
    require_numbers(one, stored, loaded);
    one.tensor.copy_(loaded);
  }

  /// What is trained must be finite. A buffer, such as a mask, may hold infinities.
  void require_numbers(const ModelTensor& one, const StoredTensor& stored, const at::Tensor& loaded) const {
    if (!loaded.is_floating_point() || loaded.numel() == 0) return;
    const at::Tensor bad = (one.place && !one.is_buffer ? loaded.isfinite().logical_not() : loaded.isnan()).flatten();
    if (!bad.any().item<bool>()) return;
    const auto index = bad.to(at::kByte).argmax().item<std::int64_t>();
    const bool is_nan = loaded.flatten()[index].isnan().item<bool>();
    refuse("expected finite numbers, found " +
           element_name(printable(stored.name, 200), stored.shape, static_cast<std::size_t>(index)) + " = " +
           (is_nan ? "NaN" : "infinity"));
  }

  void require_nothing_else() const {
    std::set<std::string> known;
    for (const ModelTensor& one : model_) {
      for (const std::string& name : one.names) known.insert(prefix_ + name);
    }
    for (const StoredTensor& stored : file_.tensors()) {
      if (known.contains(stored.name)) continue;
      refuse("tensor " + in_quotes(stored.name) + ' ' + tensor_text(scalar_type_of(stored.type), stored.shape) +
             " is not in the model");
    }
  }

  std::string path_;
  std::string prefix_;
  bool buffers_may_be_missing_;
  const std::vector<ModelTensor>& model_;
  SafetensorsFile file_;
};

}  // namespace

void load_weights(const Config& config, const TrainedTensors& tensors) {
  if (config.model.init.empty() && config.run.save.empty()) return;
  for (const ModelTensor& one : tensors.all()) require_storable(one);
  if (!config.model.init.empty()) StartFile(config.model, tensors.all()).load();
}

void save_weights(const std::filesystem::path& file, const TrainedTensors& tensors, const BucketLayout& layout,
                  std::span<const float> parameters) {
  std::vector<at::Tensor> own;  // which `stored` refers to
  std::vector<StoredTensor> stored;
  const auto bytes_of = [&](const ModelTensor& one) -> std::span<const std::byte> {
    if (one.place) {
      const ByteRange range = layout.tensors()[*one.place].bytes;
      return std::as_bytes(parameters).subspan(range.begin, range.size());
    }
    own.push_back(one.tensor.detach().cpu().contiguous());
    return {static_cast<const std::byte*>(own.back().const_data_ptr()), own.back().nbytes()};
  };
  for (const ModelTensor& one : tensors.all()) {
    const auto bytes = bytes_of(one);
    for (const std::string& name : one.names) {
      stored.push_back({name, *element_type_of(one.tensor.scalar_type()), one.tensor.sizes().vec(), bytes});
    }
  }
  write_safetensors(file, stored);
}

}  // namespace runnel
