// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/export_file_model.h"

#include <algorithm>
#include <span>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/model/exported_model.h"

namespace runnel {
namespace {

class ExportFileModel final : public Model {
 public:
  explicit ExportFileModel(const std::string& file) : exported_(file) {}

  std::vector<NamedTensor> parameters() override {
    std::vector<NamedTensor> all = named(exported_.parameters());
    for (NamedTensor& frozen : named(exported_.frozen())) all.push_back(std::move(frozen));
    for (const auto& [alias, name] : exported_.aliases()) {
      const auto same = std::ranges::find(all, name, &NamedTensor::name);
      if (same != all.end()) all.push_back({alias, same->tensor});
    }
    return all;
  }

  std::vector<NamedTensor> buffers() override { return named(exported_.buffers()); }

  void set_training(bool training) override { exported_.set_training(training); }

  std::vector<at::Tensor> forward(const Batch& batch) override {
    const std::size_t inputs = exported_.input_count();
    if (inputs > batch.fields.size()) {
      throw RunError(ExitStatus::bad_configuration, "the model takes " + std::to_string(inputs) +
                                                        " inputs, and the data set has " +
                                                        std::to_string(batch.fields.size()) + " fields");
    }
    return exported_.forward(std::span(batch.fields).first(inputs));
  }

 private:
  static std::vector<NamedTensor> named(const std::vector<ExportedModel::NamedTensor>& tensors) {
    std::vector<NamedTensor> all;
    for (const auto& [name, tensor] : tensors) all.push_back({name, tensor});
    return all;
  }

  ExportedModel exported_;
};

}  // namespace

std::unique_ptr<Model> make_exported(const std::string& file) {
  if (!file.empty()) return std::make_unique<ExportFileModel>(file);
  throw RunError(ExitStatus::bad_configuration,
                 "key 'model.file': model 'export' needs the file that it is in, as in file = \"net.pt2\"");
}

}  // namespace runnel
